import hashlib
import re
import threading
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from bench import data
from bench.data.base import File

REAL = Path(__file__).parent / "real"


@pytest.fixture
def rng():
    return np.random.Generator(np.random.Philox(0))


@pytest.fixture(scope="session")
def rendered_folder(tmp_path_factory):
    """A data folder shared by the session; `prepare` fills it with what a test needs, once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def quick(rendered_folder):
    data.prepare("dsprites_quick", "rendered:1", rendered_folder)
    return data.open_dataset("dsprites_quick", "rendered:1", rendered_folder)


@pytest.fixture(scope="session")
def real_images():
    """name -> the arrays of tests/data/real/NAME.npz."""

    def load(name):
        with np.load(REAL / f"{name}.npz") as file:
            return {key: file[key] for key in file.files}

    return load


class Host:
    """A host of files on 127.0.0.1; what it does wrong is set by the test."""

    def __init__(self, address):
        self.address = address
        self.files = {}
        self.requests = []  # (name, first byte asked for)
        self.status = 200
        self.cut_after = None  # bytes after which it closes the connection, once
        self.knows_ranges = True
        self.content_type = "application/octet-stream"
        self.says_length = True  # or what it says instead
        self.skips = 0  # bytes by which its parts begin later than was asked for

    def publish(self, file, content):
        """`file` as this host has it: its address here, its length and checksums those of `content`."""
        name = Path(file.path).name
        self.files[name] = content
        return replace(
            file,
            urls=(f"{self.address}/{name}",),
            bytes=len(content),
            md5=hashlib.md5(content).hexdigest(),
            sha256=hashlib.sha256(content).hexdigest(),
        )

    def answer(self, handler):
        name = handler.path.lstrip("/")
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(asked.group(1)) if asked and self.knows_ranges else 0
        self.requests.append((name, start))
        if self.status != 200 or name not in self.files:
            handler.send_error(self.status if self.status != 200 else 404)
            return
        content = self.files[name]
        start += self.skips if start else 0
        if start >= len(content):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(content)}")
            handler.end_headers()
            return
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Type", self.content_type)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.says_length:
            length = len(content) - start if self.says_length is True else self.says_length
            handler.send_header("Content-Length", str(length))
        handler.end_headers()
        end, self.cut_after = self.cut_after, None
        with suppress(ConnectionError):  # who refuses a file hangs up before its bytes
            handler.wfile.write(content[start:end])


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            served.answer(self)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Host(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def published(host, monkeypatch):
    """(name, {path: content}) -> the entry `name`, its files as published by the host."""

    def publish(name, contents):
        entry = data.DATASETS[name]
        files = tuple(host.publish(File(path, ()), content) for path, content in contents.items())
        monkeypatch.setitem(data.DATASETS, name, replace(entry, files=files))

    return publish
