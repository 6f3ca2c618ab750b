"""Experiment files: the same request as on the command line."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from fwibench.errors import FwibenchError, UsageError
from fwibench.plugins.plugin import Plugin
from fwibench.plugins.registry import Offer, Registry
from fwibench.problem import Frozen
from fwibench.runs.planning.experiment import KEYS, read_experiment, write_experiment
from fwibench.runs.planning.plan import make_plan
from fwibench.runs.planning.request import Request, Selected
from fwibench.specs.method import MethodSpec
from fwibench.specs.options import parse_options, validate_options
from fwibench.text.quoting import spell
from tests.command_lines import arguments_of, parse

WORDS: dict[str, tuple[str, ...]] = {
    "test-on": ("salt[snr=10]", "salt[snr=5|20],salt[gain=2.0]"),
    "split": ("random", "block"),
    "seeds": ("1", "3"),
    "first-seed": ("2",),
    "profile": ("smoke", "quick", "paper"),
    "test-samples": ("2",),
    "device": ("cpu",),
    "budget": ("90s", "1.5m", "2h", "0.00001", "99999999"),
    "time-limit": ("90", "30m"),
    "memory-limit": ("500MB", "8GB", "100.000001MB"),
    "metrics": ("data-misfit", "mae-edges, mae-inside"),
    "results": ("results", "out/here", "../results", "/nowhere/results"),
    "max-cells": ("1000", "5000"),
    "jobs": ("1", "7", "auto"),
    "devices-per-cell": ("1", "2"),
    "log": ("tensorboard:logs", "tensorboard:/nowhere/logs", "mlflow:sqlite:///m.db"),
    "cluster": ("tcp://10.0.0.1:8786", "scheduler.json", "/nowhere/cluster.toml"),
}
"""Values of the options of `run`."""
METHODS = (
    "mean-map",
    "pixel-ridge[alpha=1|1e-3|val]",
    "invlint[alpha=10,kernels=none|7],invlint",
    "invlint[decoder=conv|deconv,embedding=64|128]",
    "multiscale-fwi[start=start.npy|gradient]",
    'refine[base=invlint|mean-map,bands="2/4/8"]',
)
SETTINGS = ("invlint.epochs=3", "invlint.kernels=none", "pixel-ridge.alpha=2.5", "refine.bands=3/6")


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """Command lines of `run`."""
    methods = draw(st.lists(st.sampled_from(METHODS), min_size=1, max_size=3))
    words = ["fwibench", "run", "-m", ",".join(methods)]
    words += ["-d", ",".join(draw(st.lists(st.sampled_from(("salt", "salt[snr=10|20]", "marmousi")), min_size=1)))]
    for option in draw(st.sets(st.sampled_from(sorted(WORDS)))):
        words += [f"--{option}", draw(st.sampled_from(WORDS[option]))]
    for setting in draw(st.sets(st.sampled_from(SETTINGS))):
        if setting.partition(".")[0] in words[3]:
            words += ["--set", setting]
    return [*words, *draw(st.sampled_from(([], ["--force"])))]


def absolute(request: Request, here: Path) -> Request:
    """Return a request whose paths outside of options are absolute, and without its command line."""
    cluster = str((here / request.cluster).resolve()) if request.cluster.endswith((".json", ".toml")) else ""
    results = (here / request.results).resolve()
    methods = tuple(
        Selected(name=one.name, options={**one.options, **_absolute(one.options, here)}) for one in request.methods
    )
    log = {name: str((here / one).resolve()) if name == "tensorboard" else one for name, one in request.log.items()}
    cluster = cluster or request.cluster
    return replace(request, command=(), results=results, cluster=cluster, methods=methods, log=log)


def _absolute(options: dict[str, Any], here: Path) -> dict[str, Any]:
    start = options.get("start", "")
    return {"start": str((here / start).resolve())} if start.endswith(".npy") else {}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    np.save(folder / "start.npy", np.full((2, 2), 2000.0, np.float32))
    monkeypatch.chdir(folder)
    return folder


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=command_lines(), place=st.sampled_from(("e.toml", "../there/e.toml")))
def test_saved_experiment_is_the_same_request(words: list[str], place: str, here: Path, registry: Registry) -> None:
    request = parse(words, registry)
    path = Path(place)
    path.unlink(missing_ok=True)
    write_experiment(request, path, registry)
    again = parse(["fwibench", "run", "--from", place], registry)
    assert absolute(again, here) == absolute(request, here)
    assert set(read_experiment(path, registry)) == {
        name for name in KEYS.values() if getattr(request, name) != getattr(Request((), ()), name)
    }, "defaults are left out"


PLANNED = [
    "-m mean-map,pixel-ridge[alpha=1|10] -d salt",
    "-m invlint[alpha=1|val,kernels=none|7] -d salt[snr=10] --seeds 2 --split block --budget 90.5s",
    "-m refine[base=invlint|mean-map],multiscale-fwi[start=start.npy],invlint -d salt --set invlint.alpha=10",
    "-m multiscale-fwi[bands=5/10] -d salt,salt[gain=2] --test-on salt[snr=5] --test-samples 2 --first-seed 1",
]


@pytest.mark.parametrize("line", PLANNED)
def test_saved_experiment_plans_the_same_cells_from_another_folder(
    line: str, here: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = parse(["fwibench", "run", *line.split(), "--profile", "smoke"], registry)
    keys = [one.cell.key for one in make_plan(request, registry)]
    write_experiment(request, here.parent / "there" / "e.toml", registry)
    monkeypatch.chdir(here.parent)
    again = parse(["fwibench", "run", "--from", "there/e.toml"], registry)
    assert [one.cell.key for one in make_plan(again, registry)] == keys
    assert len(keys) > 1


class Odd(Frozen):
    text: str | None = None
    number: float = 0.0
    several: tuple[str, ...] = ()
    values: dict[str, Any] = Field(default_factory=dict)


@pytest.fixture(scope="module")
def odd() -> Registry:
    spec = MethodSpec(name="odd", summary="odd options", target="nowhere:Odd", kind="baseline", options=Odd)
    return Registry(methods={"odd": Offer(spec, Plugin("odd", "odd"))})


TEXTS = st.text(st.characters(codec="utf-8")) | st.sampled_from(
    ("7", "none", "True", "1e3", "NaN", "null", '"', '"7"', "a\\b", "\x7f", "\r\n", "~/x", "[1]", "{", "a = 1")
)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
LISTS = st.lists(LEAVES | st.lists(LEAVES, max_size=2), max_size=3)
JSON = LEAVES | LISTS | st.dictionaries(TEXTS, LEAVES | LISTS, max_size=3)


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.none() | TEXTS, several=st.lists(TEXTS, max_size=3), values=st.dictionaries(TEXTS, JSON, max_size=3))
def test_any_value_of_an_option_survives(
    text: str | None, several: list[str], values: dict[str, Any], odd: Registry, tmp_path: Path
) -> None:
    options = {"text": text, "several": several, "values": values}
    chosen = Selected(name="odd", options=parse_options("odd", Odd, {key: spell(one) for key, one in options.items()}))
    path = tmp_path / "e.toml"
    path.unlink(missing_ok=True)
    write_experiment(Request((chosen,), (), settings={"odd": chosen.options}), path, odd)
    found = read_experiment(path, odd)
    for again in (found["methods"][0].options, found["settings"]["odd"]):
        assert validate_options("odd", Odd, {}, again) == Odd(**options)


def test_file_holds_every_option_that_describes_a_run() -> None:
    options = set(arguments_of(["run"])) - {"context", "from_"}
    assert {key.replace("-", "_") for key in KEYS} == {"set" if one == "settings" else one for one in options}
    assert set(KEYS.values()) == {one.name for one in fields(Request)} - {"command"}


EXPERIMENT = """
methods = ["mean-map", {name = "invlint", options = {decoder = "conv"}, grid = {alpha = [1, "val"]}}]
dataset = "salt"
seeds = 2
time_limit = 90
metrics = ["data-misfit"]

[set.invlint]
epochs = 3
"""


@pytest.fixture
def experiment(here: Path) -> Path:
    path = here / "e.toml"
    path.write_text(EXPERIMENT)
    return path


def test_tables_and_texts_select_methods(experiment: Path, registry: Registry) -> None:
    request = parse(["run", "--from", "e.toml"], registry)
    words = ["run", "-m", "mean-map,invlint[decoder=conv,alpha=1|val]", "-d", "salt", "--seeds", "2"]
    words += ["--time-limit", "90", "--metrics", "data-misfit", "--set", "invlint.epochs=3"]
    assert replace(request, command=()) == replace(parse(words, registry), command=())


def test_command_line_overrides_the_file(
    experiment: Path, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--from", "e.toml", "--seeds", "1", "--set", "invlint.decoder=deconv", "--jobs", "2"]
    request = parse(words, registry)
    assert (request.seeds, request.jobs, request.time_limit) == (1, 2, 90.0), "also with the default"
    assert request.settings == {"invlint": {"epochs": 3, "decoder": "deconv"}}
    assert [one.options for one in request.methods] == [{}, {"alpha": 1}, {"alpha": "val"}]
    assert "e.toml: the command line replaces seeds, set" in capsys.readouterr().err


def test_settings_of_methods_that_the_command_line_replaces_have_no_effect(
    experiment: Path, registry: Registry
) -> None:
    assert parse(["run", "--from", "e.toml", "-m", "mean-map"], registry).settings == {}
    assert parse(["run", "--from", "e.toml", "-m", "refine[base=invlint]"], registry).settings == {
        "invlint": {"epochs": 3}
    }


def test_method_is_missing_without_a_file(registry: Registry) -> None:
    with pytest.raises(UsageError, match="--methods is missing"):
        parse(["run", "-d", "salt"], registry)


INVALID = {
    "an unknown key": ('datset = "salt"', "e.toml: there is no key of an experiment named 'datset'", "dataset"),
    "a key that is given twice": ("test-samples = 1\ntest_samples = 2", "e.toml: test-samples is given twice", ""),
    "a syntax error": ("dataset = salt", "line 1, column 11", ""),
    "a wrong type": ('seeds = "3"', "e.toml: seeds is '3': input should be a valid integer", "1 or more"),
    "a number out of range": ("seeds = 0", "e.toml: seeds is 0: .* greater than or equal to 1", ""),
    "a method": ('methods = "invlnt"', "e.toml: methods: there is no method named 'invlnt'", "invlint"),
    "a dataset": ('[[dataset]]\nname = "slat"', "e.toml: dataset: there is no dataset named 'slat'", "salt"),
    "an option": ('[[methods]]\nname = "invlint"\noptions.alhpa = 1', "no option of invlint named 'alhpa'", "alpha"),
    "a value": ('[[methods]]\nname = "invlint"\ngrid.alpha = [1, -1]', "methods: option alpha of invlint is -1", ""),
    "a value as text": ('methods = "invlint[alpha=-1]"', "e.toml: methods: option alpha of invlint is '-1'", ""),
    "a key of a method": ('[[methods]]\nname = "invlint"\noption.alpha = 1', "no key of a method", "options"),
    "a method without a name": ("[[methods]]\noptions.alpha = 1", "a method has no name", "NAME"),
    "an option in both tables": (
        '[[methods]]\nname = "invlint"\noptions.alpha = 1\ngrid.alpha = [1, 2]',
        "invlint is given alpha in options and in grid",
        "",
    ),
    "an empty grid": ('[[methods]]\nname = "invlint"\ngrid.alpha = []', "at least 1 item", ""),
    "a large grid": ('max-cells = 1\n[[methods]]\nname = "invlint"\ngrid.alpha = [1, 2]', "2 cells, more than 1", ""),
    "settings of an unknown method": ("[set.invlnt]\nepochs = 1", "e.toml: set: there is no method", "invlint"),
    "a metric": ('metrics = ["mae", "maee"]', "e.toml: metrics: there is no metric named 'maee'", "mae"),
    "a time": ('time-limit = "soon"', "e.toml: time-limit: 'soon' is not a time", ""),
    "a negative time": ("time-limit = -1", "e.toml: time-limit: '-1s' is not a time", ""),
    "a device": ('device = "gpu"', "e.toml: device: ", ""),
}


@pytest.mark.parametrize(("text", "message", "hint"), INVALID.values(), ids=INVALID)
def test_error_names_file_and_key(text: str, message: str, hint: str, here: Path, registry: Registry) -> None:
    Path("e.toml").write_text(text)
    with pytest.raises(FwibenchError, match=message) as error:
        read_experiment(Path("e.toml"), registry)
    assert isinstance(error.value, UsageError)
    assert "e.toml" in error.value.message
    assert hint in error.value.hint


def test_paths_are_relative_to_the_file(here: Path, registry: Registry) -> None:
    folder = here / "sub"
    folder.mkdir()
    (folder / "e.toml").write_text(
        'methods = ["multiscale-fwi[start=m.npy]", {name = "multiscale-fwi", grid.start = ["gradient", "m.npy"]}]\n'
        'dataset = "salt"\nresults = "out"\ncluster = "dask.toml"\n'
        'log = {tensorboard = "logs", mlflow = "sqlite:///m.db"}\nset.multiscale-fwi.start = "/m.npy"'
    )
    request = parse(["run", "--from", "sub/e.toml"], registry)
    start = str(folder / "m.npy")
    assert [one.options["start"] for one in request.methods] == [start, "gradient", start]
    assert request.settings["multiscale-fwi"]["start"] == "/m.npy"
    assert (request.results, request.cluster) == (folder / "out", str(folder / "dask.toml"))
    assert request.log == {"tensorboard": str(folder / "logs"), "mlflow": "sqlite:///m.db"}
    write_experiment(request, folder / "again.toml", registry)
    saved = tomllib.loads((folder / "again.toml").read_text())
    assert (saved["results"], saved["cluster"], saved["log"]["tensorboard"]) == ("out", "dask.toml", "logs")
    assert saved["methods"][0]["options"] == {"start": "m.npy"}


def test_other_file_is_not_replaced(here: Path, registry: Registry) -> None:
    request = parse(["run", "-m", "mean-map", "-d", "salt"], registry)
    for _ in range(2):
        write_experiment(request, Path("e.toml"), registry)
    text = Path("e.toml").read_text()
    with pytest.raises(UsageError, match=r"e.toml exists"):
        write_experiment(replace(request, seeds=2), Path("e.toml"), registry)
    assert Path("e.toml").read_text() == text
