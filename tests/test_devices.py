"""GPUs are counted without torch, by what the system shows of them."""

import pytest

from bench import devices
from bench.running import run


@pytest.fixture(autouse=True)
def system(monkeypatch, tmp_path):
    """A system without a GPU, whose folders tests fill."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(devices, "_NVIDIA", tmp_path / "driver")
    monkeypatch.setattr(devices, "_DEVICES", tmp_path)
    return tmp_path


def test_no_gpu_is_a_cpu():
    assert (devices.gpus(), devices.find_device()) == (0, "cpu")


def test_the_driver_counts_before_device_files(system):
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (system / name).touch()
    assert (devices.gpus(), devices.find_device()) == (2, "cuda")
    (system / "driver" / "0000:01:00.0").mkdir(parents=True)
    assert devices.gpus() == 1


def test_a_gpu_that_torch_cannot_use_is_said_before_any_work(monkeypatch, tiny_grid, tmp_path, data_dir):
    monkeypatch.setattr("bench.study_plan.find_device", lambda: "cuda")  # as the system shows it
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # and as torch sees it
    with pytest.raises(
        OSError, match=r"a GPU that torch cannot use \(.*(CUDA|cuda).*\); mend that, or train"
    ):
        run(tiny_grid, results=tmp_path / "r", data_dir=data_dir, executor="inline", cpus=1)
    assert not list((tmp_path / "r").glob("*/*"))


@pytest.mark.parametrize(("visible", "count"), [("", 0), ("-1", 0), ("3", 1), ("0,2", 2)])
def test_what_a_user_hides_does_not_count(system, monkeypatch, visible, count):
    (system / "nvidia0").touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert devices.gpus() == count
