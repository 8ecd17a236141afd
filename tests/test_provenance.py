"""Every file of a study says which run, code, grid and machine made it, and at what cost."""

import hashlib
import json
from importlib import metadata as installed
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from studies import run_tiny

from bench.provenance import COSTS, peak_memory, versions_json, with_costs
from bench.study import load_plan

FOLDERS = ("scores", "curves", "arrays", "models", "codes", "pictures")


def metadata(path: Path) -> dict[str, str]:
    if path.suffix == ".parquet":
        return {key.decode(): value.decode() for key, value in pq.read_schema(path).metadata.items()}
    with safe_open(path, framework="numpy") as file:
        return file.metadata()


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_carries_its_run_code_grid_machine_and_cost(data_dir, folder):
    study = run_tiny(data_dir) / "tiny"
    files = list((study / folder).glob("[!.]*"))
    assert files
    for about in map(metadata, files):
        assert json.loads(about["grid"]) == load_plan(study).raw
        assert about["grid_hash"] == hashlib.sha256(about["grid"].encode()).hexdigest()[:16]
        versions = json.loads(about["versions"])
        assert {"bench", "python", "torch", "ray", "scikit-learn"} <= versions.keys()
        assert (about["device"], about["cuda"]) == ("cpu", "")
        assert about["host"]
        assert about["command"]
        assert about["git_dirty"] in ("true", "false", "")
        assert len(about["git_commit"]) in (0, 40)
        assert 0 < float(about["seconds"]) < 600
        assert 100e6 < int(about["peak_memory_bytes"]) <= peak_memory()


def test_costs_are_added_and_nothing_of_the_run_is_lost():
    about = with_costs({"run_id": "r"}, device="cpu", cuda="", seconds=1.25, peak_memory=7)
    assert about == {
        "run_id": "r", "device": "cpu", "cuda": "", "seconds": "1.250", "peak_memory_bytes": "7",
    }  # fmt: skip
    assert set(COSTS) == about.keys() - {"run_id"}


def test_a_package_that_is_not_installed_has_no_version(monkeypatch):
    """`--executor inline` does without Ray."""
    version = installed.version

    def without_ray(name: str) -> str:
        if name == "ray":
            raise installed.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(installed, "version", without_ray)
    found = json.loads(versions_json.__wrapped__())
    assert found["ray"] == ""
    assert found["torch"] == version("torch")
