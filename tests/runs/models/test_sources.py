"""Where model files come from: paths, addresses and the registry of models, against a local server."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import fwibench as fb
from fwibench.errors import DataError, UnknownNameError
from fwibench.runs.models.sources import VARIABLE, find_model, is_model, registered_models

CONTENT = b"the content of a model file"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """A server of a folder, which counts the requests."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.requests = folder, list[str]()
        seen = self.requests

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, text: str, *values: object) -> None:
                seen.append(self.path)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/{name}"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "model.fwib").write_bytes(CONTENT)
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server(tmp_path / "served")
    yield server
    server.http.shutdown()
    server.http.server_close()


def register(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str, sha256: str = SHA256) -> None:
    path = folder / "models.toml"
    path.write_text(f'[salt-model]\nurl = "{url}"\nsha256 = "{sha256}"\nlicence = "CC BY 4.0"\ncard = "A model."\n')
    monkeypatch.setenv(VARIABLE, str(path))


def test_registered_model_is_downloaded_once(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(tmp_path, monkeypatch, server.url("model.fwib"))
    assert registered_models()["salt-model"].licence == "CC BY 4.0"
    first, again = find_model("salt-model"), find_model("salt-model")
    assert first == again
    assert first.read_bytes() == CONTENT
    assert first.is_relative_to(tmp_path / "data" / "models")
    assert server.requests == ["/model.fwib"]


def test_other_content_is_an_error_that_keeps_every_file(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "models").mkdir(parents=True)
    (tmp_path / "data" / "models" / "mine.fwib").write_bytes(b"mine")
    register(tmp_path, monkeypatch, server.url("model.fwib"), "0" * 64)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(DataError, match=r"model\.fwib is not the registered file: its SHA-256 differs from 0000"):
        find_model("salt-model")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_damaged_copy_in_the_cache_is_downloaded_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tmp_path, monkeypatch, server.url("model.fwib"))
    find_model("salt-model").write_bytes(b"damaged")
    assert find_model("salt-model").read_bytes() == CONTENT


def test_unknown_name_suggests_the_closest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(tmp_path, monkeypatch, "https://example.org/model.fwib")
    with pytest.raises(UnknownNameError, match="there is no model named 'salt-modl'") as error:
        fb.load_model("salt-modl")
    assert error.value.hint.startswith("did you mean salt-model?")
    assert is_model("salt-model")
    assert not is_model("salt-modl")


def test_address_is_downloaded_each_time(server: Server) -> None:
    url = server.url("model.fwib")
    assert find_model(url).read_bytes() == CONTENT
    (server.folder / "model.fwib").write_bytes(b"newer content")
    assert find_model(url).read_bytes() == b"newer content"


@pytest.mark.parametrize("name", ["absent.fwib", "models/absent"])
def test_absent_file_of_a_server_is_told(name: str, server: Server) -> None:
    with pytest.raises(DataError, match="absent.* cannot be downloaded: 404"):
        find_model(server.url(name))


def test_server_that_does_not_answer_is_told(server: Server) -> None:
    url = server.url("model.fwib")
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(DataError, match="cannot be downloaded"):
        find_model(url)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a\n", "cannot be read as a registry of models"),
        ('[a]\nurl = "https://a.org/b"\nlicence = "CC0"\n', r"a\.sha256: Field required"),
        (f'[a]\nurl = "file:///etc/passwd"\nsha256 = "{SHA256}"\nlicence = "CC0"\n', r"a\.url: String should match"),
        (f'[a]\nurl = "https://a.org/b"\nsha256 = "{SHA256}"\nlicence = "CC0"\nsize = 3\n', r"a\.size: Extra inputs"),
    ],
)
def test_invalid_registry_is_told(text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models.toml").write_text(text)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "models.toml"))
    with pytest.raises(DataError, match=message):
        registered_models()


def test_registry_that_the_variable_names_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "absent.toml"))
    with pytest.raises(DataError, match=r"absent\.toml cannot be read as a registry of models: No such file"):
        registered_models()


def test_path_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("named-otherwise").write_bytes(CONTENT)
    assert find_model("named-otherwise") == Path("named-otherwise")
    assert find_model("absent.fwib") == Path("absent.fwib")
