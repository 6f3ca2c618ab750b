import json
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

from fwibench.datasets.base import Dataset
from fwibench.plugins.registry import load_registry
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import make_plan
from tests.conftest import Command
from tests.plugins.broken_plugins import HEAD

ROOT = Path(__file__).parents[2]
SMOKE = ("--dataset", "salt", "--profile", "smoke")

PACKAGE = """
    import os

    print("to standard output")
    os.chdir("/")

    from fwibench import MethodSpec, hookimpl

    @hookimpl
    def fwibench_methods():
        return [MethodSpec(name="flat", summary="x", target="flat_earth.method:Flat", kind="baseline")]
"""
METHOD = """
    import multiprocessing
    from pathlib import Path

    import numpy as np

    from fwibench.methods.base import Method
    from fwibench.methods.complexity import Complexity
    from lent import VELOCITY

    def velocity(flat):
        return flat.velocity

    class Flat(Method):
        velocity = VELOCITY

        def predict(self, measurements):
            Path("here.txt").write_text(str(Path.cwd()))
            if not hasattr(self, "asked"):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    self.asked = pool.map(velocity, [Flat(self.problem, None, None)])[0]
            return np.full((len(measurements), *self.problem.property_shape), self.asked, np.float32)

        def complexity(self):
            return Complexity()

        def save(self, path):
            pass

        def load(self, path):
            pass
"""


def write(path: Path, source: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(source))
    return path


def install(folder: Path, name: str, module: str, source: str, version: str = "1.2") -> None:
    """Lays out a distribution as pip does."""
    write(folder / f"{module}.py", source)
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    write(info / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    write(info / "entry_points.txt", f"[fwibench]\n{module} = {module}\n")


def offering(*names: str) -> str:
    return HEAD + f"return [spec(name) for name in {names}]"


def found(fwibench: Command, *arguments: object, **environment: str) -> dict[str, dict[str, Any]]:
    done = fwibench("plugins", "list", "--json", *arguments, **environment)
    assert done.returncode == 0, done.stderr
    return {plugin["name"]: plugin for plugin in json.loads(done.stdout)}


def search(path: Path) -> dict[str, str]:
    """An environment in which Python also looks into a folder."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(path))))}


@pytest.mark.slow
def test_package_in_a_folder_is_importable_in_all_child_processes(
    fwibench: Command, tmp_path: Path, salt: Dataset
) -> None:
    write(tmp_path / "one" / "flat_earth" / "__init__.py", PACKAGE)
    write(tmp_path / "one" / "flat_earth" / "method.py", METHOD)
    write(tmp_path / "two" / "lent.py", "VELOCITY = 2000")
    write(tmp_path / "two" / "_helper.py", "1 / 0")
    folders = os.pathsep.join(("one", "two"))
    done = fwibench("run", "--plugins-dir", folders, "--methods", "flat", *SMOKE, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"][0]["status"] == "ok"
    assert "warning" not in done.stderr
    assert (tmp_path / "here.txt").read_text() == str(tmp_path), "what a plugin does to the folder is undone"
    twice = found(fwibench, "--plugins-dir", "one", "--plugins-dir", "two", "--plugins-dir=one")
    assert [twice[name]["distribution"] for name in ("flat_earth", "lent")] == [
        str(tmp_path / folder) for folder in ("one", "two")
    ]


def test_working_directory_is_not_searched(fwibench: Command, tmp_path: Path) -> None:
    install(tmp_path, "sneaky", "sneaky", offering("sneaky"))
    write(tmp_path / "plugins" / "sneakier.py", offering("sneakier"))
    plugins = set(found(fwibench))
    assert "baselines" in plugins
    assert not plugins & {"sneaky", "sneakier"}
    assert "sneaky" in found(fwibench, **search(tmp_path)), "the distribution itself is sound"


def test_file_with_the_name_of_a_module_is_rejected(fwibench: Command, tmp_path: Path) -> None:
    for name in ("json", "torch", "pluggy", "not-a-name"):
        write(tmp_path / "plugins" / f"{name}.py", offering("good"))
    farewell = "import atexit, sys; atexit.register(print, 'farewell'); atexit.register(sys.exit, 5)\n"
    write(tmp_path / "plugins" / "fine.py", farewell + offering("good"))
    plugins = found(fwibench, "--plugins-dir", "plugins")
    # that this was JSON and exit code 0 says that the farewell did not spoil either
    for name in ("json", "torch", "pluggy"):
        assert plugins[name]["stage"] == "import"
        assert f"{name}.py has the name of another module, which Python finds first: /" in plugins[name]["reason"]
        assert plugins[name]["reason"].endswith("(rename it)")
    assert "not-a-name.py cannot be imported by that name" in plugins["not-a-name"]["reason"]
    assert plugins["fine"]["methods"] == ["good"]


def test_plugins_can_be_disabled(fwibench: Command, tmp_path: Path) -> None:
    install(tmp_path / "site", "far-fetched", "fetched", offering("far"))
    write(tmp_path / "plugins" / "near.py", offering("near"))
    environment = {**search(tmp_path / "site"), "FWIBENCH_PLUGINS_DIR": str(tmp_path / "plugins")}

    def status(*arguments: str) -> dict[str, str]:
        plugins = found(fwibench, *arguments, **environment)
        asked = ("hybrid", "invlint", "fetched", "near")
        return {name: f"{plugins[name]['status']} {plugins[name]['reason']}".strip() for name in asked}

    own = dict.fromkeys(("hybrid", "invlint"), "ok")
    assert status() == {**own, "fetched": "ok", "near": "ok"}
    left_out = dict.fromkeys(("fetched", "near"), "disabled --no-plugins")
    assert status("--no-plugins") == {**own, **left_out}
    disabled = "disabled --disable-plugin"
    assert status("--disable-plugin", "far-fetched", "--disable-plugin=near,hybrid") == {
        **own,
        "fetched": disabled,
        "near": disabled,
        "hybrid": disabled,
    }
    wrong = fwibench("list", "methods", "--disable-plugin", "naer", **environment)
    assert wrong.returncode == 2
    assert "there is no plugin named 'naer'" in wrong.stderr
    assert "did you mean near?" in wrong.stderr
    gone = fwibench("info", "far", "--disable-plugin", "fetched", **environment)
    assert "disabled plugins may have offered it: fetched" in gone.stderr


def test_package_is_not_a_plugin_folder(fwibench: Command, tmp_path: Path) -> None:
    write(tmp_path / "mine" / "__init__.py", offering("mine"))
    done = fwibench("--plugins-dir", "mine", "list", "methods")
    assert done.returncode == 2
    assert "is itself a package" in done.stderr
    assert "name the folder above it" in done.stderr


def test_strict_plugins_ends_the_command_with_the_reason(fwibench: Command, tmp_path: Path) -> None:
    write(tmp_path / "plugins" / "hurt.py", "1 / 0")
    done = fwibench("--strict-plugins", "--plugins-dir", "plugins", "list", "methods")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: plugin hurt (")
    assert "broken at import: ZeroDivisionError: division by zero" in done.stderr
    listed = fwibench("--strict-plugins", "--plugins-dir", "plugins", "plugins", "list")
    assert listed.returncode == 2
    assert "hurt" in listed.stdout
    assert fwibench("--strict-plugins", "list", "methods").returncode == 0


def test_plugins_list_shows_stage_and_reason(fwibench: Command, tmp_path: Path) -> None:
    install(tmp_path / "site", "the-best", "best", HEAD + "return [spec('invlint'), spec('best')]")
    install(tmp_path / "site", "damaged", "damaged", offering("never"))
    write(tmp_path / "site" / "damaged-1.2.dist-info" / "entry_points.txt", "[fwibench]\ndamaged = no module\n")
    (tmp_path / "site" / "damaged-1.2.dist-info" / "METADATA").unlink()
    environment = search(tmp_path / "site")
    done = fwibench("plugins", "list", **environment)
    assert done.returncode == 0
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert lines["name"].split() == ["name", "distribution", "version", "offers", "status", "stage", "reason"]
    assert lines["baselines"].split()[:2] == ["baselines", "fwibench"]
    assert " methods, 1 importer" in lines["baselines"]
    assert lines["baselines"].split()[-1] == "ok"
    assert lines["best"].split()[:7] == ["best", "the-best", "1.2", "1", "method", "broken", "fwibench_methods"]
    assert "is offered by the-best (best), but fwibench (invlint) has that name already" in lines["best"]
    assert "--override invlint takes this one instead" in lines["best"]
    assert lines["damaged"].split()[:4] == ["damaged", "unknown", "broken", "import"]
    assert "the entry point damaged is 'no module', expected a module" in lines["damaged"]
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning:")]
    assert len(warnings) == len(done.stderr.splitlines()) == 2, "one line each"
    shown = fwibench("plugins", "list", "-v", **environment).stdout
    assert "methods: best" in shown
    assert "Traceback (most recent call last)" in shown
    best = found(fwibench, **environment)["best"]
    assert best["methods"] == ["best"]
    assert "Traceback" in best["faults"][0]["traceback"]
    assert best["version"] == "1.2"


def test_override_replaces_the_owner_of_a_name(
    tmp_path: Path, fwibench: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    # names that sort before fwibench's own: the built-in still comes first
    for name in ("aaa", "bbb"):
        install(tmp_path / "site", name, f"{name}_{tmp_path.name}", HEAD + "return [spec('mean-map')]")
    monkeypatch.syspath_prepend(tmp_path / "site")

    def key() -> str:
        registry = load_registry()
        request = read_request(registry, "mean-map", "salt", profile="smoke", results=tmp_path)
        return make_plan(request, registry)[0].cell.key

    usual = key()
    assert load_registry().method("mean-map").plugin.distribution == "fwibench"
    monkeypatch.setenv("FWIBENCH_OVERRIDE", "mean-map")
    registry = load_registry()
    registry.check()
    assert registry.method("mean-map").plugin.distribution == "aaa"
    assert [plugin.distribution for plugin in registry.broken] == ["bbb"], "the third is refused as ever"
    assert key() != usual, "results of the two are never taken for each other"
    environment = search(tmp_path / "site")
    assert "mean-map" in fwibench("list", "methods", "--override", "mean-map", **environment).stdout
    for name, reason in (
        ("mean-mop", "did you mean mean-map"),
        ("pixel-ridge", "changes nothing: fwibench (baselines)"),
    ):
        done = fwibench("list", "methods", "--override", name, **environment)
        assert done.returncode == 2
        assert reason in done.stderr
