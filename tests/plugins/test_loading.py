import textwrap
from pathlib import Path

import pytest

from fwibench.errors import PluginError, UnknownNameError, UsageError
from fwibench.plugins.registry import Registry, load_registry

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


FAULTS = {
    "raises at import": ("import", "ZeroDivisionError", "1 / 0"),
    "exits at import": ("import", "SystemExit", "import sys; sys.exit(3)"),
    "has a syntax error": ("import", "SyntaxError", "def"),
    "misspells a hook": (
        "register",
        "there is no hook named 'fwibench_metods' (did you mean fwibench_methods",
        """
        from fwibench import hookimpl

        @hookimpl
        def fwibench_metods():
            return []
        """,
    ),
    "takes an argument that the hook has not": (
        "register",
        "definition: fwibench_methods(config)",
        """
        from fwibench import hookimpl

        @hookimpl
        def fwibench_methods(config):
            return []
        """,
    ),
    "raises in a hook": (
        "fwibench_methods",
        "RuntimeError: boom",
        """
        from fwibench import hookimpl

        @hookimpl
        def fwibench_methods():
            raise RuntimeError("boom")
        """,
    ),
    "raises while it is iterated": (
        "fwibench_methods",
        "RuntimeError: boom",
        """
        from fwibench import hookimpl

        @hookimpl
        def fwibench_methods():
            raise RuntimeError("boom")
            yield
        """,
    ),
    "returns something else": (
        "fwibench_methods",
        "returned a str, expected MethodSpec",
        """
        from fwibench import hookimpl

        @hookimpl
        def fwibench_methods():
            return ["name"]
        """,
    ),
    "has an invalid spec": (
        "fwibench_methods",
        "String should match pattern",
        """
        from fwibench import MethodSpec, hookimpl

        @hookimpl
        def fwibench_methods():
            return [MethodSpec(name="Not A Name", summary="x", target="a:b", kind="baseline")]
        """,
    ),
    "is of another API": (
        "fwibench_methods",
        "written for plugin API 99",
        """
        from fwibench import MethodSpec, hookimpl

        @hookimpl
        def fwibench_methods():
            return [MethodSpec(name="late", summary="x", target="a:b", kind="baseline", api=99)]
        """,
    ),
}


@pytest.mark.parametrize(("stage", "reason", "source"), FAULTS.values(), ids=FAULTS)
def test_a_plugin_that_is_broken_costs_only_itself(plugins: Path, stage: str, reason: str, source: str) -> None:
    registry = load_with(plugins, source)
    assert {"good", "invlint", "mean-map"} <= set(registry.methods)
    assert "salt" in registry.datasets
    (broken,) = registry.broken
    assert broken.stage == stage
    assert reason in broken.reason
    assert broken.distribution == str(plugins)
    assert "Traceback" in broken.traceback or "Error" in broken.traceback


def test_a_taken_name_stays_with_its_first_owner_and_both_are_named(plugins: Path) -> None:
    registry = load_with(plugins, GOOD.replace('"good"', '"invlint"'))
    assert registry.method("invlint").plugin.distribution == "fwibench"
    (broken,) = registry.broken
    assert "'invlint' is offered by" in broken.reason
    assert "but fwibench (invlint) has that name already" in broken.reason


def test_an_unknown_name_mentions_broken_plugins(plugins: Path) -> None:
    registry = load_with(plugins, "1 / 0")
    with pytest.raises(UnknownNameError) as unknown:
        registry.method("goood")
    assert unknown.value.hint.startswith("did you mean good?")
    assert f"bad_{plugins.name}" in unknown.value.hint


def test_a_missing_folder_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", "/no/such/folder")
    with pytest.raises(UsageError, match="/no/such/folder does not exist"):
        load_registry()


def test_a_target_that_is_not_there_is_named(plugins: Path) -> None:
    spec = load_registry().method("good").spec
    with pytest.raises(PluginError, match="'good' names its implementation as 'good_impl:Good'"):
        spec.load()


def test_the_finished_hook_is_called_and_its_fault_contained(plugins: Path) -> None:
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
    registry.tell_finished({"status": "ok"})
    (broken,) = registry.broken
    assert broken.stage == "fwibench_cell_finished"
