"""Studies in an object store, an S3 server of this machine: several machines, kills, damage, wrong names."""

import logging
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from moto.server import ThreadedMotoServer
from pyarrow import fs
from studies import run_tiny
from test_running import TIMES, scores, weights
from tiny import TINY

import bench
from bench.cli import main
from bench.mirror import Mirror, is_address, local_results, mirror_of
from bench.running import run
from bench.study import load_plan
from bench.study_plan import make_plan
from bench.training import train

BUCKET = "bench-test"


@pytest.fixture(scope="module")
def server():
    """An S3 server; its clients find it in the environment, as they would find a real one."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield server
    server.stop()


@pytest.fixture(scope="module")
def bucket(server) -> fs.S3FileSystem:
    """The file system of the server, with a bucket."""
    endpoint = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
    found = fs.S3FileSystem(endpoint_override=endpoint, scheme="http", allow_bucket_creation=True)
    found.create_dir(BUCKET)
    return found


@pytest.fixture
def address(bucket, request) -> str:
    """An address of results that no other test uses."""
    return f"s3://{BUCKET}/{abs(hash(request.node.name)):x}"


@pytest.fixture
def machine(tmp_path, monkeypatch, data_dir):
    """A callable that makes this process another machine, by its name and the folder of its mirrors."""

    def become(name: str) -> Path:
        monkeypatch.setenv("BENCH_MIRROR", str(tmp_path / name))
        monkeypatch.setattr(platform, "node", lambda: name)
        return tmp_path / name

    run_tiny(data_dir)  # other tests share this study: it is of the machine that this is
    become("first")
    return become


def objects(bucket, address: str) -> set[str]:
    """Names below an address."""
    base = address.removeprefix("s3://")
    infos = bucket.get_file_info(fs.FileSelector(base, recursive=True, allow_not_found=True))
    return {info.path.removeprefix(f"{base}/") for info in infos if info.type == fs.FileType.File}


def put(bucket, place: str, content: bytes) -> None:
    with bucket.open_output_stream(place) as out:
        out.write(content)


def cli(*words: object):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_a_study_in_a_store_is_that_of_a_folder_and_any_machine_reads_it(
    tiny_grid, data_dir, address, bucket, machine, tmp_path
):
    places = ("--results", address, "--data-dir", data_dir, "--executor", "inline", "--cpus", 1)
    done = cli("run", tiny_grid, *places)
    assert done.exit_code == 0, done.output
    assert f"Scores: {address}/tiny/scores" in done.output
    local = run_tiny(data_dir)
    there = {path.relative_to(local / "tiny").as_posix() for path in (local / "tiny").rglob("*")
             if path.is_file() and path.suffix != ".lock"}  # fmt: skip
    assert objects(bucket, f"{address}/tiny") == there
    machine("second")
    assert "6 cells: 6 done" in cli("status", "--results", address).output
    assert cli("run", tiny_grid, *places).output.count("6 of 6 cells done") == 1
    out = tmp_path / "out.parquet"
    assert cli("export", "tiny", "--results", address, "--out", out).exit_code == 0
    pd.testing.assert_frame_equal(bench.load_scores(f"{address}/tiny"), bench.load_scores(out))
    pd.testing.assert_frame_equal(scores(local_results(address)), scores(local))
    assert cli("verify", "tiny", "--results", address).output.count("0 damaged") == 1
    assert weights(local_results(address)) == weights(local)
    direct = pd.read_parquet(f"{address}/tiny/scores")
    assert len(direct) == len(bench.load_scores(out))


def test_cells_that_failed_are_tried_again_in_a_store_too(tiny_grid, data_dir, address, machine, monkeypatch):
    def broken(*_):
        raise ValueError("a mistake in the model")

    arguments = {"results": address, "data_dir": data_dir, "executor": "inline", "cpus": 1}
    monkeypatch.setattr("bench.train_pack.train", broken)
    assert run(tiny_grid, **arguments).failed == 6
    monkeypatch.setattr("bench.train_pack.train", train)
    for _ in range(2):
        outcome = run(tiny_grid, **arguments, retry_failed=True)
        assert (outcome.done, outcome.failed) == (6, 0)
    machine("second")
    assert "6 done, 0 running, 0 failed" in cli("status", "tiny", "--results", address).output


def test_another_machine_goes_on_from_the_checkpoint_of_a_killed_one(
    tiny_grid, data_dir, address, bucket, machine, tmp_path, monkeypatch
):
    tiny_grid.write_text(TINY.replace("steps: 60", "steps: 1000"))
    run(tiny_grid, results=tmp_path / "whole", data_dir=data_dir, executor="inline", cpus=1)
    command = [
        sys.executable, "-m", "bench", "run", tiny_grid, "--results", address, "--data-dir", data_dir,
        "--executor", "inline", "--cpus", "1", "--checkpoint-seconds", "0",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not any("checkpoints" in name for name in objects(bucket, address)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    machine("second")
    assert "4 running" in cli("status", "tiny", "--results", address).output

    began = []
    train = bench.train_pack.train
    monkeypatch.setattr(
        "bench.train_pack.train",
        lambda problem, members, state, *rest: (
            began.append(state.step), train(problem, members, state, *rest)
        ),
    )  # fmt: skip
    outcome = run(tiny_grid, results=address, data_dir=data_dir, executor="inline", cpus=1)
    assert (outcome.done, outcome.missing) == (6, 0)
    assert began[0] >= 100
    pd.testing.assert_frame_equal(scores(local_results(address)), scores(tmp_path / "whole"))
    assert weights(local_results(address)) == weights(tmp_path / "whole")
    assert not [name for name in objects(bucket, address) if "_work" in name]


def test_what_was_committed_here_and_not_sent_is_sent_by_the_same_command(
    tiny_grid, data_dir, address, bucket, machine, monkeypatch
):
    class Killed(BaseException):
        """As sudden as SIGKILL for all code that catches errors."""

    send, committed = Mirror.push_missing, []

    def killed_at_the_last(mirror, prefix=""):
        committed.extend(local_results(address).glob("tiny/scores/*.parquet"))
        if len(set(committed)) == 2:
            raise Killed
        send(mirror, prefix)

    monkeypatch.setattr(Mirror, "push_missing", killed_at_the_last)
    with pytest.raises(Killed):
        run(tiny_grid, results=address, data_dir=data_dir, executor="inline", cpus=1)
    monkeypatch.undo()
    machine("first")
    assert len([name for name in objects(bucket, address) if name.startswith("tiny/scores/")]) == 1
    assert make_plan(tiny_grid, results=address, data_dir=data_dir).cells_left == 0
    assert run(tiny_grid, results=address, data_dir=data_dir, executor="inline", cpus=1).done == 6
    assert len([name for name in objects(bucket, address) if name.startswith("tiny/scores/")]) == 2
    assert not [name for name in objects(bucket, address) if "_work" in name]


def test_a_network_that_fails_again_and_again_is_no_death_of_a_cell(
    tiny_grid, data_dir, address, bucket, machine, monkeypatch
):
    send = Mirror._send

    def unplugged(mirror, path):
        if path.parent.name == "attempts":  # the first thing that a try sends
            raise OSError("the network is gone")
        send(mirror, path)

    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "_send", unplugged)
        for _ in range(5):
            with pytest.raises(ConnectionError, match="network is gone"):
                run(tiny_grid, results=address, data_dir=data_dir, executor="inline", cpus=1, width=1)
    outcome = run(tiny_grid, results=address, data_dir=data_dir, executor="inline", cpus=1, width=1)
    assert (outcome.done, outcome.failed) == (6, 0)


def test_a_study_deleted_in_the_store_begins_anew(tiny_grid, data_dir, address, bucket, machine):
    run(tiny_grid, results=address, data_dir=data_dir, executor="inline", cpus=1)
    bucket.delete_dir(f"{address.removeprefix('s3://')}/tiny")
    assert make_plan(tiny_grid, results=address, data_dir=data_dir).cells_left == 6
    assert not (local_results(address) / "tiny").exists()
    assert len(list(local_results(address).glob("replaced/tiny-*/scores/*.parquet"))) == 2  # set aside


def test_a_study_begun_anew_by_another_machine_gets_nothing_of_the_old_one(
    tiny_grid, data_dir, address, bucket, machine
):
    run(tiny_grid, results=address, data_dir=data_dir, executor="inline", cpus=1)
    bucket.delete_dir(f"{address.removeprefix('s3://')}/tiny")
    machine("second")
    run(tiny_grid, results=address, data_dir=data_dir, executor="inline", cpus=1, limit=4)
    there = objects(bucket, address)
    machine("first")
    assert make_plan(tiny_grid, results=address, data_dir=data_dir).cells_left == 2
    assert objects(bucket, address) == there


def test_a_local_study_named_by_its_path_is_no_business_of_the_store(data_dir, address, machine):
    folder = run_tiny(data_dir) / "tiny"
    assert "6 cells: 6 done" in cli("status", folder, "--results", address).output
    assert (folder / "study.json").is_file()


def test_damage_here_is_fetched_again_and_damage_there_is_run_again(
    tiny_grid, data_dir, address, bucket, machine
):
    run(tiny_grid, results=address, data_dir=data_dir, executor="inline", cpus=1)
    first, second = sorted((local_results(address) / "tiny" / "scores").glob("*.parquet"))
    whole = first.read_bytes()
    times = (first.stat().st_atime_ns, first.stat().st_mtime_ns)
    first.write_bytes(b"x" * len(whole))
    os.utime(first, ns=times)  # rotten on the disk: same size and time
    place = f"{address.removeprefix('s3://')}/tiny/scores/{second.name}"
    put(bucket, place, b"torn")
    done = cli("run", tiny_grid, "--results", address, "--data-dir", data_dir, "--executor", "inline")
    assert done.exit_code == 0, done.output
    assert f"scores/{second.name} cannot be read" in done.output
    assert first.name not in done.output
    assert first.read_bytes() == whole
    assert load_plan(first.parents[1]).cells
    assert f"tiny/scores/{second.name}" in objects(bucket, address)
    assert bucket.get_file_info(place).size > 1000


def test_names_in_a_store_never_lead_out_of_the_study(tiny_grid, data_dir, address, bucket, machine):
    import boto3

    run(tiny_grid, results=address, data_dir=data_dir, executor="inline", cpus=1)
    prefix = address.removeprefix(f"s3://{BUCKET}/")
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    for name in ("scores/../../../evil.parquet", "scores/..", "models//etc/evil", "scores/.hidden.parquet"):
        client.put_object(Bucket=BUCKET, Key=f"{prefix}/tiny/{name}", Body=b"evil")
    place = machine("second")
    mirror_of(address, "tiny").pull("study.json", "scores", "models")
    found = [path for path in place.parent.rglob("*") if path.is_file()]
    assert not [path for path in found if path.read_bytes() == b"evil"]
    assert len(list((local_results(address) / "tiny" / "scores").iterdir())) == 2


def test_ray_workers_send_what_they_commit(tiny_grid, data_dir, address, bucket, machine):
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", tiny_grid, "--results", address, "--data-dir", data_dir,
         "--cpus", "2"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "6 of 6 cells done" in done.stdout
    machine("second")
    found = bench.load_scores(f"{address}/tiny").drop(columns=TIMES)
    pd.testing.assert_frame_equal(found, scores(run_tiny(data_dir)))


def test_credentials_in_an_address_are_refused(tiny_grid):
    done = cli("run", tiny_grid, "--results", "s3://KEY:SECRET@bucket/x", "--dry-run")
    assert done.exit_code == 2
    assert "set AWS_ACCESS_KEY_ID" in done.output
    assert "SECRET@" not in done.output


def test_verify_moves_what_the_store_has_damaged_to_its_quarantine(
    tiny_grid, data_dir, address, bucket, machine
):
    run(tiny_grid, results=address, data_dir=data_dir, executor="inline", cpus=1)
    name = sorted(name for name in objects(bucket, f"{address}/tiny") if name.startswith("scores/"))[0]
    put(bucket, f"{address.removeprefix('s3://')}/tiny/{name}", b"torn")
    done = cli("verify", f"{address}/tiny")
    assert done.exit_code == 1
    assert f"{name} cannot be read" in done.output
    there = objects(bucket, f"{address}/tiny")
    assert name not in there
    assert f"_work/quarantine/{name}" in there
    assert "4 cells lack scores now" in done.output or "2 cells lack scores now" in done.output


@pytest.mark.parametrize("results", ["run:1", "abc:/x", "s3:x", "C:/x"])
def test_a_name_with_a_colon_is_a_folder(results):
    assert not is_address(results)


@pytest.mark.parametrize("results", ["s3:/bucket/x", Path("s3://bucket/x")])
def test_an_address_with_one_slash_is_a_sentence_and_no_folder(results, tiny_grid):
    done = cli("run", tiny_grid, "--results", results, "--dry-run")
    assert done.exit_code == 2
    assert "did you mean s3://bucket/x?" in done.output


@pytest.mark.parametrize("results", ["file:///tmp/x", "ftp://host/x"])
def test_other_kinds_of_address_are_a_sentence(results, tiny_grid):
    done = cli("run", tiny_grid, "--results", results, "--dry-run")
    assert done.exit_code == 2
    assert "is not known; allowed are a folder's path and s3://" in done.output


@pytest.mark.parametrize(
    "words",
    [("run", "GRID", "--dry-run"), ("plan", "GRID"), ("status", "tiny"), ("status",), ("report", "tiny")],
)
def test_a_bucket_that_is_not_there_is_said_before_any_work(words, tiny_grid, bucket, machine):
    words = [tiny_grid if word == "GRID" else word for word in words]
    done = cli(*words, "--results", "s3://no-such-bucket/x")
    assert done.exit_code == 2
    assert "there is no bucket 'no-such-bucket'; make it, or give another --results" in done.output


def test_a_store_without_the_study_is_named_by_its_address(address, bucket, machine):
    of_a_study = (("status",), ("status", "tiny"), ("report", "tiny"), ("export", "tiny"))
    for words in (*of_a_study, ("card", "0123abcd"), ("reproduce", "0123abcd")):
        done = cli(*words, "--results", address)
        assert done.exit_code == 2
        assert address in done.output
        assert str(local_results(address)) not in done.output


def test_a_store_that_is_not_there_is_a_sentence(tiny_grid, machine):
    results = "s3://nowhere/x?endpoint_override=127.0.0.1:1&scheme=http&region=us-east-1"
    done = cli("run", tiny_grid, "--results", results, "--dry-run")
    assert done.exit_code == 2
    assert "s3://nowhere/x/tiny" in done.output
    assert "cannot be read" in done.output
