import os
import signal
import sys
import textwrap
import warnings
from pathlib import Path

import pytest

from fwibench.cli.console.output import errors
from fwibench.cli.registry import open_registry
from fwibench.errors import PluginError, UnknownNameError, UsageError
from fwibench.plugins.registry import Registry, load_registry
from tests.plugins.broken_plugins import FAULTS, HEAD

GOOD = """
    from fwibench import MethodSpec, hookimpl

    @hookimpl
    def fwibench_methods():
        return [MethodSpec(name="good", summary="fine", target="good_impl:Good", kind="baseline")]
"""


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(tmp_path))
    (tmp_path / f"good_{tmp_path.name}.py").write_text(textwrap.dedent(GOOD))
    return tmp_path


def load_with(folder: Path, source: str) -> Registry:
    """Loads a plugin of that source beside a good one; module names are unique to the folder."""
    (folder / f"bad_{folder.name}.py").write_text(textwrap.dedent(source))
    return load_registry()


@pytest.mark.parametrize(("stage", "reason", "source"), FAULTS.values(), ids=FAULTS)
def test_broken_plugin_does_not_affect_others(plugins: Path, stage: str, reason: str, source: str) -> None:
    registry = load_with(plugins, source)
    assert {"good", "invlint", "mean-map"} <= set(registry.methods)
    assert "salt" in registry.datasets
    (broken,) = registry.broken
    assert broken.stage == stage
    assert reason in broken.reason
    assert broken.distribution == str(plugins)
    assert "\n" not in broken.reason
    assert "Traceback" in broken.traceback or "Error" in broken.traceback


def test_invalid_spec_does_not_affect_the_others_of_its_plugin(plugins: Path) -> None:
    specs = "yield spec('first'); yield 3; yield spec('late', api=2); yield spec('last'); raise RuntimeError('boom')"
    registry = load_with(plugins, HEAD + specs)
    assert {"first", "last", "good"} <= set(registry.methods)
    (broken,) = registry.broken
    assert [fault.reason.split()[-1] for fault in broken.faults] == ["MethodSpec", "fwibench)", "boom"]
    assert broken.verdict.startswith("broken at fwibench_methods: fwibench_methods returned int")
    assert broken.verdict.endswith("(and 2 more)")


def test_deprecated_api_works_and_is_reported_once(
    plugins: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fwibench.specs.base.API_VERSION", "2.3")
    sources = "return [spec('old'), spec('older', api='1.0'), spec('new', api='2.0'), spec('latest', api='2.3')]"
    (plugins / f"aged_{plugins.name}.py").write_text(HEAD + sources)
    monkeypatch.setenv("FWIBENCH_DISABLE_PLUGINS", f"good_{plugins.name},fwibench")
    errors.cache_clear()
    registry = open_registry()
    errors.cache_clear()
    assert set(registry.methods) == {"old", "older", "new", "latest"}
    (line,) = capsys.readouterr().err.splitlines()
    assert "is deprecated: 'old' is written for plugin API 1.0; fwibench has 2.3, and support of 1.0 will end" in line
    assert line.endswith("(and 1 more)")


def test_unknown_name_mentions_broken_plugins(plugins: Path) -> None:
    registry = load_with(plugins, "1 / 0")
    with pytest.raises(UnknownNameError) as unknown:
        registry.method("goood")
    assert unknown.value.hint.startswith("did you mean good?")
    assert f"bad_{plugins.name}" in unknown.value.hint


def test_missing_plugin_folder_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", "/no/such/folder")
    with pytest.raises(UsageError, match="/no/such/folder does not exist"):
        load_registry()


def test_missing_target_is_named(plugins: Path) -> None:
    spec = load_registry().method("good").spec
    with pytest.raises(PluginError, match="'good' names its implementation as 'good_impl:Good'"):
        spec.load()


def test_error_of_the_finished_hook_becomes_a_fault(plugins: Path) -> None:
    registry = load_with(
        plugins,
        """
        from fwibench import hookimpl

        seen = []

        @hookimpl
        def fwibench_cell_finished(record):
            seen.append(record["status"])
            raise RuntimeError("boom")
        """,
    )
    registry.tell("fwibench_cell_finished", record={"status": "ok"}, run="r")
    (broken,) = registry.broken
    assert broken.stage == "fwibench_cell_finished"


def test_loading_restores_the_state_of_the_process(plugins: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def state() -> tuple[object, ...]:
        return Path.cwd(), dict(os.environ), list(warnings.filters), signal.getsignal(signal.SIGINT), sys.excepthook

    before, path = state(), list(sys.path)
    source = """
        import os, signal, sys, warnings
        print("to standard output")
        os.system("echo from a child")
        os.chdir("/")
        sys.path.insert(0, "/needed/later")
        os.environ["OMP_NUM_THREADS"] = "64"
        warnings.simplefilter("ignore")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.excepthook = print
    """
    assert not load_with(plugins, source).broken
    assert state() == before
    assert sys.path[: len(path)] == path
    assert sys.path[-1] == "/needed/later"
    sys.path.remove("/needed/later")
    out, err = capfd.readouterr()
    assert out == ""
    assert "to standard output" in err
    assert "from a child" in err


def test_every_plugin_receives_its_own_copy_of_the_record(plugins: Path) -> None:
    source = """
        from fwibench import hookimpl

        @hookimpl
        def fwibench_cell_finished(record):
            record["cell"].clear()
    """
    record = {"cell": {"method": "x"}}
    load_with(plugins, source).tell("fwibench_cell_finished", record=record, run="r")
    assert record == {"cell": {"method": "x"}}
