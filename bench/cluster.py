"""Connecting to Ray: one of this machine's own, or a cluster at an address."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from bench.devices import gpus

#: Ray reads these when it is imported or started; a user's own values win.
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C must reach us: Tune would return as if all had gone well
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}

#: Without a cluster: the one switch that keeps all of Ray's servers on the loopback address. Given as
#: `_node_ip_address` that address is replaced by the machine's own (Ray 2.60), and they listen everywhere.
LOCAL_ENVIRONMENT = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}

OBJECT_STORE_BYTES = 200 * 2**20  # data sets never enter the object store
LONGEST_TEMPORARY = 107 - len(
    "/ray/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"
)  # of a socket's path
CONNECT_SECONDS = 10.0  # for the head of a cluster to answer at all
CONNECT_ATTEMPTS = 4  # where a head answers, but the server that it forks for a ray:// client dies at once


def is_outside(address: str | None) -> bool:
    """Whether this machine is no part of the cluster at `address`, and only tells it what to do."""
    return (address or "").startswith("ray://")


def set_environment(variables: Mapping[str, str]) -> None:
    """Set environment variables that are not set yet."""
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def connect(cpus: int, address: str | None):
    """The module `ray`, connected: to the cluster at `address`, or to a new one of `cpus` cores and all GPUs.

    ConnectionError in a sentence where no cluster answers, or its head turns us away again and again.
    """
    set_environment(ENVIRONMENT if address else ENVIRONMENT | LOCAL_ENVIRONMENT)
    import ray

    if address:
        _check_reachable(address)
    for _ in range(CONNECT_ATTEMPTS):
        try:
            with _own_sigterm():
                ray.init(**_init_arguments(cpus, address))
            return ray
        except ConnectionAbortedError as error:
            # One in ten or so: the head forks beside gRPC's threads, and the child crashes (ray issue 63202).
            ray.shutdown()
            said = str(error).strip().splitlines()[-1]
        except ConnectionError:
            if address != "auto":
                raise
            raise ConnectionError(
                "no Ray cluster runs on this machine for --address auto; `ray start --head` starts one, and "
                "without --address this machine alone is used"
            ) from None
    raise ConnectionError(
        f"the Ray cluster at {address} turned this machine away {CONNECT_ATTEMPTS} times ({said}); "
        "if it says no more than that, start its head with GRPC_ENABLE_FORK_SUPPORT=0 (docs/running.md)"
    )


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep this process's answer to SIGTERM: Ray puts one in its place that ends it with a stack trace."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        is_main = threading.current_thread() is threading.main_thread()  # Ray leaves other threads alone, too
        if is_main and before is not None:
            signal.signal(signal.SIGTERM, before)


def cluster_resources(address: str) -> tuple[str, int]:
    """What the cluster at `address` trains on ("cuda" where a node has a GPU), and its CPU cores."""
    ray = connect(0, address)
    try:
        there = ray.cluster_resources()
    finally:
        ray.shutdown()
    return "cuda" if there.get("GPU") else "cpu", int(there.get("CPU", 1))


def _check_reachable(address: str) -> None:
    """ConnectionError in a sentence where nothing listens at host:port; Ray itself tries for two minutes."""
    place = urlsplit(address if "://" in address else f"//{address}")
    if place.port is None:
        return  # auto, local: for Ray to find
    try:
        socket.create_connection((place.hostname, place.port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise ConnectionError(f"no Ray cluster answers at {address} ({error.strerror or error})") from None


def _init_arguments(cpus: int, address: str | None) -> dict:
    arguments = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is not None:
        return arguments | {"address": address}
    return arguments | {
        "address": "local",  # a new one, even beside another that somebody runs on this machine
        "num_cpus": cpus,
        "num_gpus": gpus(),
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE_BYTES,
        **_short_folder(),
    }


def _short_folder() -> dict[str, str]:
    """A folder for Ray's sockets where $TMPDIR, as batch systems set it, is too long a path for them."""
    is_long = len(tempfile.gettempdir()) > LONGEST_TEMPORARY
    return {"_temp_dir": f"/tmp/ray-{os.getuid()}"} if is_long else {}
