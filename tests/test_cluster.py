"""A cluster of two nodes on this machine: driven from outside, asked for its GPUs, and one node is lost."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from studies import run_tiny
from test_running import scores, weights
from test_schedule import LONGER, wait_for

from bench.cli import main
from bench.cluster import CONNECT_ATTEMPTS, ENVIRONMENT, connect
from bench.running import run

NODE = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 * 2**20}


@pytest.fixture(scope="module")
def cluster():
    """A head with one core that takes ray:// clients; a test adds nodes of its own."""
    with socket.socket() as free, pytest.MonkeyPatch.context() as patch:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("GRPC_ENABLE_FORK_SUPPORT", "0")  # as docs/running.md says
        from ray.cluster_utils import Cluster

        free.close()
        found = Cluster(initialize_head=True, head_node_args={**NODE, "ray_client_server_port": port})
        found.client_address = f"ray://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while not _listens(port):
            assert time.monotonic() < deadline, "the head does not take ray:// clients"
            time.sleep(0.1)
        yield found
        found.shutdown()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def command(grid: Path, results: Path, data_dir: Path, address: str) -> list:
    return [
        sys.executable, "-m", "bench", "run", grid, "--address", address, "--results", results,
        "--data-dir", data_dir, "--checkpoint-seconds", "0.2",
    ]  # fmt: skip


def test_a_machine_outside_the_cluster_runs_on_it_and_hears_what_happens(
    cluster, tiny_grid, tmp_path, data_dir
):
    words = command(tiny_grid, tmp_path / "r", data_dir, cluster.client_address)
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "6 of 6 cells done, 0 failed, 0 missing." in done.stdout
    pd.testing.assert_frame_equal(scores(tmp_path / "r"), scores(run_tiny(data_dir)))


def test_a_node_lost_in_the_middle_costs_nothing_but_time(cluster, tmp_path, data_dir):
    (tmp_path / "tiny.yaml").write_text(LONGER)
    run(tmp_path / "tiny.yaml", results=tmp_path / "one", data_dir=data_dir, executor="inline", cpus=2)
    second = cluster.add_node(**NODE)
    cluster.wait_for_nodes()
    results = tmp_path / "two"
    with (tmp_path / "said").open("w") as said:
        words = command(tmp_path / "tiny.yaml", results, data_dir, cluster.address)
        process = subprocess.Popen(words, stdout=said, stderr=said)
        # one core a node: two packs with checkpoints are in training on both
        checkpoints = results / "tiny" / "_work" / "checkpoints"
        wait_for(lambda: len(list(checkpoints.glob("[!.]*.safetensors"))) == 2, process)
        cluster.remove_node(second, allow_graceful=False)
        assert process.wait(timeout=300) == 0, (tmp_path / "said").read_text()
    assert "15 of 15 cells done, 0 failed, 0 missing." in (tmp_path / "said").read_text()
    pd.testing.assert_frame_equal(scores(results), scores(tmp_path / "one"))
    assert weights(results) == weights(tmp_path / "one")


def test_the_device_is_that_of_the_cluster(cluster, tiny_grid, tmp_path):
    cluster.add_node(**NODE, num_gpus=1)
    cluster.wait_for_nodes()
    words = ["run", tiny_grid, "--dry-run", "--results", tmp_path, "--address", cluster.address]
    shown = CliRunner().invoke(main, list(map(str, words)))
    assert "6 cells in 2 packs on cuda; 0 done, 6 to do" in shown.output


@pytest.mark.parametrize("failures", [0, 1, CONNECT_ATTEMPTS])
def test_a_head_that_aborts_a_client_is_asked_again(failures, monkeypatch):
    """The abort itself is a race inside Ray (its issue 63202) and comes when it likes."""
    import ray

    asked, ended = [], []

    def init(**arguments):
        asked.append(arguments["address"])
        if len(asked) <= failures:
            raise ConnectionAbortedError("Initialization failure\nTraceback …\nno server started\n\n")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: ended.append(True))
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"ray://127.0.0.1:{head.getsockname()[1]}"
        if failures == CONNECT_ATTEMPTS:
            with pytest.raises(ConnectionError, match=r"4 times \(no server started\); .*FORK_SUPPORT=0"):
                connect(1, address)
        else:
            assert connect(1, address) is ray
    assert asked == [address] * min(failures + 1, CONNECT_ATTEMPTS)
    assert len(ended) == failures


def test_no_cluster_on_this_machine_is_a_sentence(tiny_grid, tmp_path, monkeypatch):
    import ray

    def init(**arguments):
        assert arguments["address"] == "auto"
        raise ConnectionError("Could not find any running Ray instance. Please specify the one to connect to")

    monkeypatch.setattr(ray, "init", init)
    done = CliRunner().invoke(main, ["run", str(tiny_grid), "--results", str(tmp_path), "--address", "auto"])
    assert done.exit_code == 2
    assert done.output.startswith("no Ray cluster runs on this machine for --address auto; `ray start")


@pytest.mark.parametrize("address", ["ray://127.0.0.1:1", "127.0.0.1:1"])
def test_an_address_where_nobody_answers_is_a_sentence(address, tiny_grid, tmp_path):
    words = ["run", tiny_grid, "--results", tmp_path, "--address", address]
    done = CliRunner().invoke(main, list(map(str, words)))
    assert done.exit_code == 2
    assert done.output == f"no Ray cluster answers at {address} (Connection refused)\n"
