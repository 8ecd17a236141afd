"""A cluster of two nodes on this machine: one is lost in the middle, and nothing with it."""

import subprocess
import sys

import pandas as pd
from test_running import scores, weights
from test_schedule import LONGER, wait_for

from bench.running import run
from bench.schedule import ENVIRONMENT


def test_a_node_lost_in_the_middle_costs_nothing_but_time(tmp_path, data_dir, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    from ray.cluster_utils import Cluster

    (tmp_path / "tiny.yaml").write_text(LONGER)
    run(tmp_path / "tiny.yaml", results=tmp_path / "one", data_dir=data_dir, executor="inline", cpus=2)
    node = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        second = cluster.add_node(**node)
        cluster.wait_for_nodes()
        results = tmp_path / "two"
        command = [
            sys.executable, "-m", "bench", "run", tmp_path / "tiny.yaml", "--address", cluster.address,
            "--results", results, "--data-dir", data_dir, "--checkpoint-seconds", "0.2",
        ]  # fmt: skip
        with (tmp_path / "said").open("w") as said:
            process = subprocess.Popen(command, stdout=said, stderr=said)
            # one core a node: two packs with checkpoints are in training on both
            checkpoints = results / "tiny" / "_work" / "checkpoints"
            wait_for(lambda: len(list(checkpoints.glob("[!.]*.safetensors"))) == 2, process)
            cluster.remove_node(second, allow_graceful=False)
            assert process.wait(timeout=300) == 0, (tmp_path / "said").read_text()
    finally:
        cluster.shutdown()
    assert "15 of 15 cells done, 0 failed, 0 missing." in (tmp_path / "said").read_text()
    pd.testing.assert_frame_equal(scores(results), scores(tmp_path / "one"))
    assert weights(results) == weights(tmp_path / "one")
