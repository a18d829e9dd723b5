"""Names on the hub, against a small server on the loopback that speaks its protocol."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import hub
from pointwise.model.checkpoints import MICRO_DIGITS

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "somebody/micro-digits"
LOCATE = "from pathlib import Path; from pointwise.model.hub import located; print(located(Path('{}')))"

QUANTISE = (
    "import sys; from pointwise.sim.cli import main; "
    "sys.exit(main(['quantise', '--checkpoint', '{}', '--heads', '3', '--out', 'made.safetensors']))"
)


class Hub(ThreadingHTTPServer):
    """One repository.

    Attributes:
        files: by name. asked: requests, with their ranges. cut: bytes after which the first answer that holds
            weights breaks off.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {
            "model.safetensors": MICRO_DIGITS.read_bytes(),
            "config.json": b"{}",
            "pytorch_model.bin": b"no",
            "README.md": b"# It",
        }
        self.asked: list[tuple[str, str]] = []
        self.cut = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def _answer(self, body: bool) -> None:
        asked_range = self.headers.get("Range", "")
        self.server.asked.append((f"{self.command} {self.path}", asked_range))
        path = self.path.partition("?")[0]
        files = self.server.files
        if path == f"/api/models/{NAME}/revision/main":
            siblings = [{"rfilename": name} for name in files]
            self._json({"id": NAME, "sha": COMMIT, "private": False, "siblings": siblings, "tags": []})
        elif path == f"/api/models/{NAME}/tree/{COMMIT}":
            self._json(
                [
                    {"type": "file", "path": name, "size": len(data), "oid": _digest(data)}
                    for name, data in files.items()
                ]
            )
        elif path.startswith(f"/{NAME}/resolve/{COMMIT}/"):
            self._file(files[path.rpartition("/")[2]], asked_range, body)
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _json(self, values: object) -> None:
        data = json.dumps(values).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _file(self, data: bytes, asked_range: str, body: bool) -> None:
        first = int(asked_range.removeprefix("bytes=").partition("-")[0] or 0) if asked_range else 0
        self.send_response(206 if asked_range else 200)
        if asked_range:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", f'"{_digest(data)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        if not body:
            return
        if self.server.cut and len(data) > self.server.cut:
            self.wfile.write(data[first : self.server.cut])
            self.server.cut = 0
            self.close_connection = True
            return
        self.wfile.write(data[first:])


def _digest(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


@pytest.fixture
def server() -> Iterator[Hub]:
    made = Hub()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def run(code: str, endpoint: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A program of its own, as the library reads its environment when it is imported."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment = {**kept, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "POINTWISE_TRACEBACK": "", **more}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=home)


def test_a_name_is_fetched_once_and_loads(server: Hub, tmp_path: Path) -> None:
    """Weights and descriptions alone; the second time without the network."""
    code = LOCATE.format(NAME)
    done = run(code, server.address, tmp_path)
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert (folder / "model.safetensors").read_bytes() == MICRO_DIGITS.read_bytes()
    assert hub.name_of(folder) == "micro-digits"
    asked = len(server.asked)
    assert run(code, server.address, tmp_path, HF_HUB_OFFLINE="1").stdout == done.stdout
    assert len(server.asked) == asked


def test_a_command_takes_a_name(server: Hub, tmp_path: Path) -> None:
    """What it writes is called after the name."""
    server.files["config.json"] = b'{"num_heads": 3}'
    done = run(QUANTISE.format(NAME), server.address, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "micro-digits" in done.stdout
    assert (tmp_path / "made.safetensors").is_file()


def test_a_transfer_that_breaks_off_goes_on(server: Hub, tmp_path: Path) -> None:
    """Within the same command; the library asks for what is missing of its last whole 10 MB."""
    server.cut = 1000
    done = run(LOCATE.format(NAME), server.address, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").read_bytes() == MICRO_DIGITS.read_bytes()
    weights = f"GET /{NAME}/resolve/{COMMIT}/model.safetensors"
    assert [request for request, _ in server.asked].count(weights) == 2


@pytest.mark.parametrize(
    ("name", "offline", "sentence"),
    [
        ("nobody/nothing", "", "no nobody/nothing@main of {} that anybody may read; check the name"),
        (NAME, "1", "@main of {} cannot be fetched (HF_HUB_OFFLINE is set); check the name and the network"),
    ],
)
def test_what_cannot_be_fetched_is_told_in_a_sentence(
    server: Hub, tmp_path: Path, name: str, offline: str, sentence: str
) -> None:
    more = {"HF_HUB_OFFLINE": offline} if offline else {}
    code = QUANTISE.format(name)
    done = run(code, server.address, tmp_path, **more)
    assert done.returncode == 1
    assert sentence.format(server.address) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_without_a_network(tmp_path: Path) -> None:
    """Nobody listens there."""
    code = QUANTISE.format(NAME)
    done = run(code, "http://127.0.0.1:9", tmp_path)
    assert done.returncode == 1
    assert "cannot be fetched (the hub does not answer)" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_paths_are_no_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies here, what has an ending, and what misses in a folder that is here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hub, "_fetched", lambda *name: pytest.fail(f"{name} was asked for"))
    (tmp_path / "weights").mkdir()
    for path in ("weights/mine", "a/b.pth", "a/b.safetensors", "mine", "a/b/c", str(tmp_path / "x" / "y")):
        assert hub.located(Path(path)) == Path(path)
    assert hub.name_of(Path("weights/mine.safetensors")) == "mine"


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(PointwiseError, match=r"need the package huggingface_hub; .* 'pointwise\[hub\]'"):
        hub.located(Path(NAME))
