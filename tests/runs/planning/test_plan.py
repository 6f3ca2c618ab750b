"""Cells of a request, and reasons why they cannot run."""

import hashlib
import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from fwibench import MethodSpec
from fwibench.errors import UnknownNameError, UsageError
from fwibench.plugins.registry import Registry, load_registry
from fwibench.problem import Frozen, Problem
from fwibench.runs.artefacts.cell import RESULT_FORMAT, Cell
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import make_plan
from fwibench.specs.method import LENGTH
from tests.conftest import Command

DATASETS = """
    from fwibench import DatasetSpec, hookimpl

    def spec(name):
        target = f"MODULE:{name.capitalize()}"
        return DatasetSpec(name=name, summary="x", target=target, source="synthetic", measurements="seismic")

    @hookimpl
    def fwibench_datasets():
        return [spec("untaught"), spec("unphysical"), spec("unopened"), spec("unbounded")]

    def __getattr__(name):
        # the implementations import numpy, so they are created lazily
        from fwibench.datasets.salt.dataset import Salt

        class Untaught(Salt):
            def indices(self, scheme):
                return {**super().indices(scheme), "train": super().indices(scheme)["train"][:0]}

        class Unphysical(Salt):
            @property
            def problem(self):
                return super().problem.model_copy(update={"physics": None})

        class Unopened(Salt):
            def __init__(self, *arguments):
                print("to standard output")
                raise ZeroDivisionError("cannot open")

        class Unbounded(Salt):
            @property
            def identity(self):
                raise SystemExit(0)

        found = {one.__name__: one for one in (Untaught, Unphysical, Unopened, Unbounded)}
        if name not in found:
            raise AttributeError(name)
        return found[name]
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    module = f"data_{tmp_path.name}"
    source = textwrap.dedent(DATASETS).replace("MODULE", module)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / f"{module}.py").write_text(source)
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(tmp_path / "plugins"))
    return load_registry()


def reasons(registry: Registry, tmp_path: Path, methods: str, dataset: str) -> dict[str, str]:
    planned = make_plan(read_request(registry, methods, dataset, profile="smoke", results=tmp_path), registry)
    return {one.cell.method: one.skip for one in planned}


def test_dataset_without_train_samples_skips_learning_methods(own: Registry, tmp_path: Path) -> None:
    assert reasons(own, tmp_path, "mean-map,multiscale-fwi-oracle,refine[base=mean-map]", "untaught") == {
        "mean-map": "mean-map learns from train samples, untaught has none in its split random",
        "multiscale-fwi-oracle": "",
        "refine": "mean-map learns from train samples, untaught has none in its split random",
    }


def test_start_model_option_decides_need_for_train_samples(own: Registry, tmp_path: Path) -> None:
    (tmp_path / "start.npy").touch()
    starts = {"train-mean": False, "train-gradient": False, "gradient": True, str(tmp_path / "start.npy"): True}
    for start, runs in starts.items():
        (reason,) = reasons(own, tmp_path, f"multiscale-fwi[start={start}]", "untaught").values()
        assert reason == (
            "" if runs else "multiscale-fwi learns from train samples, untaught has none in its split random"
        )


def test_plan_raises_for_missing_start_model(own: Registry, tmp_path: Path) -> None:
    for start, words in (("nowhere.npy", "no such file"), ("train-meen", "start.*train-meen")):
        with pytest.raises(UsageError, match=words):
            reasons(own, tmp_path, f"multiscale-fwi[start={start}]", "untaught")


def test_options_decide_whether_method_learns() -> None:
    some = MethodSpec(
        name="some", summary="x", target="a:b", kind="iterative", needs_fit_for={"start": ("mean",), "scale": ("data",)}
    )
    assert some.learns({"start": "mean", "scale": "data"})
    assert not some.learns({"start": "mean", "scale": "none"})
    assert not some.learns({"start": "file.npy", "scale": "data"})
    assert MethodSpec(name="any", summary="x", target="a:b", kind="learned").learns({})
    never = MethodSpec(name="never", summary="x", target="a:b", kind="learned", needs_fit=False)
    assert not never.learns({})


def test_inversion_is_skipped_without_physics(own: Registry, tmp_path: Path) -> None:
    found = reasons(own, tmp_path, "mean-map,multiscale-fwi,multiscale-fwi-oracle,refine", "unphysical")
    assert found.pop("mean-map") == ""
    assert found == {
        name: f"{name} simulates with acoustic physics, unphysical has no physics to simulate with" for name in found
    }


def test_plan_shows_reason_of_cell_that_cannot_run(own: Registry, fwibench: Command) -> None:
    done = fwibench("plan", "--methods", "mean-map,multiscale-fwi", "--dataset", "unphysical", "--profile", "smoke")
    assert done.returncode == 0, done.stderr
    mean_map, inversion = done.stdout.splitlines()[2:4]
    assert mean_map.startswith("mean-map ")
    assert " to run" in mean_map
    assert " cannot run " in inversion
    assert "multiscale-fwi simulates with acoustic physics" in inversion


@pytest.mark.parametrize(
    ("name", "reason"), [("unopened", "ZeroDivisionError: cannot open"), ("unbounded", "SystemExit: 0")]
)
def test_unreadable_dataset_gives_error_without_traceback(
    own: Registry, fwibench: Command, name: str, reason: str
) -> None:
    done = fwibench("plan", "--methods", "mean-map", "--dataset", f"salt,{name}", "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"cannot be opened: {reason}" in done.stderr
    assert "Traceback" not in done.stderr
    shown = fwibench("info", name)
    assert shown.returncode == 0, "info works without the dataset"
    assert reason in shown.stdout


def test_method_with_other_physics_is_unsupported(registry: Registry) -> None:
    problems: dict[str, Problem] = {
        name: open_dataset(registry, name, "smoke").problem for name in ("salt", "kimberlina-reservoir")
    }
    some = MethodSpec(
        name="some", summary="x", target="a:b", kind="iterative", measurements=("seismic", "em"), physics=("acoustic",)
    )
    assert some.refusal(problems["salt"], "salt") == ""
    assert some.refusal(problems["kimberlina-reservoir"], "there") == (
        "some simulates with acoustic physics, there has electromagnetic physics"
    )


class FineOptions(Frozen):
    step: float = 10.0

    def refusal(self, problem: Problem) -> str:
        return "" if self.step <= problem.grid.spacing else f"step={self.step:g} is more than the grid's spacing"


def test_options_may_not_suit_a_problem(registry: Registry) -> None:
    problem = open_dataset(registry, "salt", "smoke").problem
    some = MethodSpec(name="some", summary="x", target="a:b", kind="iterative", options=FineOptions)
    assert some.refusal(problem, "salt", FineOptions()) == ""
    assert some.refusal(problem, "salt") == "", "no options are given"
    assert some.refusal(problem, "salt", FineOptions(step=20)) == (
        "some on salt: step=20 is more than the grid's spacing"
    )


def test_settings_apply_to_selected_methods_and_their_base(registry: Registry) -> None:
    def plan(methods: str, *settings: str) -> list[tuple[str, dict[str, Any]]]:
        request = read_request(registry, methods, "salt", profile="smoke", settings=settings)
        return [(one.cell.method, one.chosen) for one in make_plan(request, registry)]

    base, above = plan("refine", "refine.base=inversionnet", "inversionnet.precision=bf16")
    assert base == ("inversionnet", {"precision": "bf16"})
    assert above == ("refine", {"base": "inversionnet"})
    assert plan("refine[base=pixel-ridge]", "pixel-ridge.alpha=2")[0] == ("pixel-ridge", {"alpha": 2.0})
    for settings in (["inversionnet.precision=bf16"], ["refine.base=pixel-ridge", "invlint.alpha=2"]):
        with pytest.raises(UnknownNameError, match="no selected method"):
            plan("refine", *settings)


def test_time_budget_is_part_of_every_cell_of_its_request(registry: Registry) -> None:
    def keys(**others: Any) -> dict[str, str]:
        request = read_request(registry, "invlint,mean-map,refine", "salt", profile="smoke", **others)
        return {one.cell.method: one.cell.key for one in make_plan(request, registry)}

    without, short, long = keys(), keys(budget=60.0), keys(budget=300.0)
    assert len({*without.values(), *short.values(), *long.values()}) == 3 * len(without) == 9


def test_cell_without_a_time_budget_keeps_its_key(registry: Registry) -> None:
    (one,) = make_plan(read_request(registry, "mean-map", "salt", profile="smoke"), registry)
    known = Cell.model_validate(one.cell.model_dump(exclude={"budget"}))
    left_out = {"dataset_options", "non_default", "model"}
    unset = left_out | {"budget", "base", "members", "plugin", "files", "tested_on", "external"}
    content = known.model_dump(mode="json", exclude=unset)
    text = json.dumps([RESULT_FORMAT, {**content, "options": known.non_default}], sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest() == known.key


def test_epochs_that_the_user_gives_override_the_floor_of_a_profile(registry: Registry) -> None:
    def length(text: str) -> tuple[int, int | None]:
        (one,) = make_plan(read_request(registry, text, "salt", profile="paper"), registry)
        return one.cell.options["epochs"], one.cell.options["min_batches"]

    preset = registry.method("invlint").spec.profiles["paper"]["min_batches"]
    assert preset
    assert length("invlint") == (120, preset)
    assert length("invlint[epochs=7]") == (7, None)
    assert length("invlint[epochs=7,min_batches=70]") == (7, 70)
    assert length("invlint[batch_size=7]") == (120, preset)


@pytest.mark.parametrize("option", LENGTH)
def test_option_of_the_length_contradicts_a_time_budget(option: str, registry: Registry) -> None:
    for methods, settings in ((f"invlint[{option}=9]", []), ("invlint", [f"invlint.{option}=9"])):
        request = read_request(registry, methods, "salt", settings, profile="smoke", budget=60.0)
        with pytest.raises(UsageError, match=f"{option} of invlint and a time budget both set the length"):
            make_plan(request, registry)
