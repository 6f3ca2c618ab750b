"""The command of a run, and what a run made again says of the first."""

import inspect
import json
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from fwibench.cli.app import app
from fwibench.cli.options import build_request
from fwibench.datasets.base import Dataset
from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry
from fwibench.problem import Frozen
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, read_record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.planning.grammar import parse_selection, parse_settings, read_request
from fwibench.runs.planning.plan import make_plan
from fwibench.runs.planning.request import Request
from fwibench.runs.reproduction.command import command_of, request_of
from fwibench.runs.reproduction.repeat import compare_runs, fresh_folder, plan_again, read_run
from fwibench.specs.dataset_options import DataPath, FilesOptions
from fwibench.specs.options import parse_options, validate_options
from tests.conftest import Command
from tests.runs.finished import finish

TWO = "refine[base=mean-map,iterations=1]"


@cache
def run_command() -> Any:
    return typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]


def texts_of(words: list[str]) -> dict[str, Any]:
    """What the command line hands to `build_request`, from a command's words."""
    given = run_command().make_context("run", words[words.index("run") + 1 :]).params
    return {name: given[name] for name in list(inspect.signature(build_request).parameters)[1:]}


def parse(words: list[str], registry: Registry) -> Request:
    """The request that the command line makes of a command's words."""
    return build_request(registry, **texts_of(words))


def read(model: type[Frozen], texts: dict[str, str]) -> Any:
    """Options from texts."""
    return validate_options("m", model, {}, parse_options("m", model, texts))


MATRIX: dict[str, dict[str, Any]] = {
    "defaults": {"methods": "mean-map,pixel-ridge", "profile": "quick"},
    "a grid": {"methods": "invlint[alpha=1|val,kernels=none|7,decoder=conv]", "profile": "quick"},
    "settings": {
        "methods": "multiscale-fwi,inversionnet",
        "settings": ("multiscale-fwi.bands=5/10", "inversionnet.epochs=2"),
    },
    "noise": {"methods": "mean-map", "dataset": "salt[snr=10,missing_traces=0.2,noisy=test]", "split": "block"},
    "another dataset": {"methods": "mean-map", "dataset": "kimberlina-reservoir,marmousi,flatvel-a"},
    "test samples and seeds": {"methods": "inversionnet,mean-map", "test_samples": 2, "seeds": 3},
    "a hybrid": {"methods": "refine[base=mean-map,iterations=3],refine", "seeds": 2},
    "a base with options": {
        "methods": "invlint,refine[base=invlint|mean-map,tv=0.5]",
        "settings": ("invlint.epochs=3", "invlint.alpha=10"),
        "seeds": 2,
    },
}


@pytest.mark.parametrize("asked", MATRIX.values(), ids=MATRIX)
@pytest.mark.parametrize("with_registry", [True, False])
def test_the_command_gives_the_same_cell(
    asked: dict[str, Any], with_registry: bool, registry: Registry, tmp_path: Path
) -> None:
    request = read_request(registry, **{"dataset": "salt", "profile": "smoke", "results": tmp_path, **asked})
    planned = {one.cell.run_id: one for one in make_plan(request, registry)}
    records = {
        name: Record(cell=one.cell, status="ok", chosen=one.chosen, scores={"mae": 1.0, "data-misfit": 2.0})
        for name, one in planned.items()
    }
    for record in records.values():
        words = command_of(record, records.get(record.cell.base), registry if with_registry else None)
        assert shlex.split(shlex.join(words)) == words
        again = parse(words, registry)
        assert again.metrics == (("data-misfit",) if with_registry else ())
        keys = [one.cell.key for one in make_plan(again, registry)]
        assert record.cell.key in keys
        assert len(keys) == (2 if record.cell.base else 1), "and nothing else but its base"


def test_options_that_the_profile_sets_otherwise_today_are_named(registry: Registry, tmp_path: Path) -> None:
    """A record says what differed then; what differs now makes the cell."""
    (one,) = make_plan(read_request(registry, "inversionnet[epochs=77]", "salt", results=tmp_path), registry)
    record = Record(cell=one.cell, status="ok", chosen={})
    assert "inversionnet[epochs=77]" in command_of(record, registry=registry)
    assert "inversionnet" in command_of(record)


def test_first_seed_goes_on(registry: Registry, tmp_path: Path) -> None:
    def keys(**asked: Any) -> list[str]:
        request = read_request(
            registry, "inversionnet,refine[base=inversionnet],mean-map", "salt", results=tmp_path, **asked
        )
        return sorted(one.cell.key for one in make_plan(request, registry))

    assert sorted({*keys(seeds=1), *keys(first_seed=1, seeds=2)}) == keys(seeds=3)
    with pytest.raises(UsageError, match="--first-seed is -1"):
        keys(first_seed=-1)


class Odd(Frozen):
    text: str | None = None
    number: float = 0.0
    several: tuple[str, ...] = ()


class Started(Frozen):
    start: DataPath


TEXTS = [
    "7", "none", "True", "1e3", "NaN", "null", "a b", "a,b", "a]|[b", 'a"b', "a'b", "a=b", "-x", "\n", "\x1b[31m", "é",
    " a ", "", "--debug", "$(touch pwned)", "; touch pwned", "`touch pwned`", "~/x", "a\\b",
]  # fmt: skip


def cell_of(**changes: Any) -> Cell:
    fields: dict[str, Any] = {"method": "m", "method_version": "1", "options": {}, "dataset": "d", "profile": "quick"}
    fields |= {"dataset_options": {}, "fingerprint": "f", "split": "random", "seed": 0}
    return Cell(**{**fields, **changes})


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_survives_as_the_value_of_an_option(text: str) -> None:
    chosen = {"text": text, "several": [text, "b"]}
    record = Record(cell=cell_of(dataset_options={"path": text}), status="ok", chosen=chosen)
    again = texts_of(command_of(record))
    (method,), (dataset,) = parse_selection(again["methods"]), parse_selection(again["dataset"])
    assert read(Odd, method.options) == Odd(**chosen)
    assert read(FilesOptions, dataset.options) == FilesOptions(path=text)


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_path_survives_the_command_of_its_run(text: str) -> None:
    path = FilesOptions(path=text).path
    options = {"path": str(path), "axes": "xz"}
    record = Record(cell=cell_of(dataset_options=options, method="below"), status="ok", chosen={"start": str(path)})
    above = Record(cell=cell_of(), status="ok")
    line = shlex.join(command_of(above, record))
    again = texts_of(shlex.split(line))
    assert read(Started, parse_settings(again["settings"])["below"]).start == path
    again = texts_of(shlex.split(shlex.join(command_of(record))))
    (dataset,) = parse_selection(again["dataset"])
    assert read(FilesOptions, dataset.options).path == path


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_names_stay_words(text: str, tmp_path: Path) -> None:
    cell = cell_of(method=text, dataset=text, split=text, plugin=text)
    words = command_of(Record(cell=cell, status="ok", chosen={text: text}))
    line = shlex.join(words[1:])
    done = subprocess.run(["sh", "-c", f"printf '%s\\0' {line}"], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == words[1:]
    assert list(tmp_path.iterdir()) == []
    # none is an option of its own
    assert [word for word in words if word.startswith("-") and "=" not in word and len(word) > 2] == [
        word for word in words if word in {"--override", "--methods", "--dataset", "--split", "--profile", "--set"}
    ]


@pytest.fixture(scope="module")
def made(registry: Registry, salt: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with mean-map and a hybrid on it."""
    root = tmp_path_factory.mktemp("made")
    finish(read_request(registry, TWO, "salt", profile="smoke", test_samples=2, results=root), registry)
    return root


@pytest.fixture
def results(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(made, tmp_path / "results")
    return tmp_path / "results"


def alter(results: Path, name: str, **changes: Any) -> Record:
    folder = Results(results).run(name)
    record = read_record(RunFiles(folder).record)
    cell = record.cell.model_copy(update=changes.pop("cell", {}))
    record = record.model_copy(update={"cell": cell, **changes})
    write_record(record, RunFiles(folder).record)
    return record


def test_an_agreeing_run(results: Path, fwibench: Command) -> None:
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    done = fwibench("reproduce", "smoke-mean-map", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["agrees"]
    assert found["predictions"] == "equal"
    assert [one["size"] for one in found["scores"]] == [0, 0]
    assert found["command"][-1] == f"results/reproduced/{found['run']}"
    assert {path: path.read_bytes() for path in before} == before, "the first run is as it was"
    folder = Path(found["command"][-1])
    assert (results.parent / folder / "runs" / found["run"] / "record.json").is_file()
    assert fresh_folder(results, found["run"], None).name == f"{found['run']}-2"


@pytest.mark.slow
def test_an_altered_score_of_a_hybrid_disagrees(results: Path, fwibench: Command) -> None:
    record = read_record(RunFiles(Results(results).run("refine")).record)
    alter(results, "refine", scores={**record.scores, "mae": (record.scores["mae"] or 0) * 1.01})
    done = fwibench("reproduce", "refine", "-o", "again")
    assert done.returncode == 1, done.stderr
    assert "does not agree: 1 of 2 scores differ by more than 1e-06" in done.stdout
    assert "predictions are bitwise equal" in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("mae"))
    assert line.endswith("differs")
    assert "python" in done.stdout, "the record holds no environment, which may explain it"


def test_what_was_failed_and_now_is_not_disagrees(results: Path, fwibench: Command) -> None:
    alter(results, "smoke-mean-map", status="failed", reason="no good", scores={})
    done = fwibench("reproduce", "smoke-mean-map", "-o", "again")
    assert done.returncode == 1, done.stderr
    assert "does not agree: the record is failed (no good), the second run is ok" in done.stdout


def test_two_failures_agree_by_the_kind_of_their_errors(results: Path, registry: Registry) -> None:
    folder = Results(results).run("smoke-mean-map")
    (results / "second").mkdir()

    def compared(first: str, second: str, status: str = "failed") -> bool:
        for reason, where in ((first, folder), (second, results / "second")):
            record = read_record(RunFiles(folder).record).model_copy(
                update={"status": status, "reason": reason, "scores": {}}
            )
            write_record(record, RunFiles(where).record)
        return compare_runs(folder, results / "second", registry, 1e-6).agrees

    assert compared("ValueError: 3 rows", "ValueError: 4 rows")
    assert compared("loss is nan in epoch 3", "loss is nan in epoch 4", "diverged"), "the status is the kind"
    assert not compared("ValueError: 3 rows", "KeyError: 3 rows")
    assert not compared("the process was killed by SIGSEGV", "the process was killed by SIGKILL")


def test_failures_of_different_kinds_are_told(results: Path, fwibench: Command, tmp_path: Path) -> None:
    alter(results, "smoke-mean-map", status="failed", reason="RuntimeError: other", scores={})
    (tmp_path / "data").write_text("a file, where a folder is needed")
    done = fwibench("reproduce", "smoke-mean-map", "-o", "again", FWIBENCH_DATA=str(tmp_path / "data"))
    assert done.returncode == 1, done.stderr
    assert "does not agree: both are failed, for different reasons; the record: RuntimeError: other; " in done.stdout


def test_what_differs_is_found(made: Path, results: Path, registry: Registry) -> None:
    first = Results(made).run("smoke-mean-map")
    second = results / "runs" / first.name
    record = read_record(RunFiles(second).record)

    def compared(tolerance: float = 1e-6, **changes: Any) -> Any:
        write_record(record.model_copy(update=changes), RunFiles(second).record)
        return compare_runs(first, second, registry, tolerance)

    assert compared().agrees
    mae = record.scores["mae"] or 0
    other = compared(scores={**record.scores, "mae": mae * 1.001, "data-misfit": 1.0})
    assert [one.what for one in other.changes] == ["mae"], "a metric that came later is none of it"
    assert compared(0.01, scores={**record.scores, "mae": mae * 1.001}).agrees
    assert not compared(scores={"mae": mae}).agrees, "a score is lost"
    there = {"python": "2.7", "packages": {"torch": "1"}, "git": {"commit": "a"}, "gpu": None, "command": ["x"]}
    assert {one.what: one.second for one in compared(device="cuda", environment=there).environment} == {
        "device": "cuda",
        "python": "2.7",
        "torch": "1",
        "git commit": "a",
    }
    (second / "predictions.npz").unlink()
    assert compared().predictions == "not stored"
    ours = read_record(RunFiles(first).record)
    unknown = results / "runs" / "unknown"
    unknown.mkdir()
    write_record(ours.model_copy(update={"scores": {"telepathy": 1.0}}), RunFiles(unknown).record)
    found = compare_runs(unknown, second, registry, 0.0)
    assert (found.left_out, found.agrees) == (("telepathy",), False), "nothing to agree on"


CHANGED = {
    "version": ({"method_version": "0.1"}, "mean-map was version 0.1, here it is 1"),
    "samples": ({"fingerprint": "0" * 64}, "salt has other samples here"),
    "an option": ({"options": {"gone": 1}}, "there is no option of mean-map named 'gone'"),
    "a method": ({"method": "gone"}, "there is no method named 'gone'"),
    "a dataset": ({"dataset": "gone"}, "there is no dataset named 'gone'"),
    "a seed it has not": ({"seed": 3}, "seed was 3, here it is 0"),
    "another plugin": ({"plugin": "other"}, "plugin was other, here it is none"),
    "hostile names": (
        {"method": "$(touch pwned)", "dataset": ";touch pwned"},
        "there is no method named '$(touch pwned)'",
    ),
}


@pytest.mark.parametrize(("cell", "line"), CHANGED.values(), ids=CHANGED)
def test_what_this_installation_cannot_make_again_is_said(
    cell: dict[str, Any], line: str, results: Path, registry: Registry
) -> None:
    alter(results, "smoke-mean-map", cell=cell)
    record, base = read_run(Results(results).run("smoke-mean-map"))
    obstacles = plan_again(request_of(record, base, registry), record, base, registry)[1]
    assert any(line in one for one in obstacles), obstacles


def test_nothing_runs_where_the_cell_would_be_another(results: Path, fwibench: Command) -> None:
    alter(results, "smoke-mean-map", cell={"fingerprint": "0" * 64})
    done = fwibench("reproduce", "smoke-mean-map")
    assert done.returncode == 1
    assert "salt has other samples here" in done.stderr
    assert "this installation cannot reproduce the run exactly" in done.stderr
    printed = fwibench("reproduce", "smoke-mean-map", "--print")
    assert printed.returncode == 0
    assert printed.stdout.startswith("fwibench run --methods mean-map --dataset salt --split random --profile smoke ")
    assert "salt has other samples" in printed.stderr
    assert not (results / "reproduced").exists()


def test_what_is_typed_wrong_is_explained(results: Path, fwibench: Command) -> None:
    for arguments, message in (
        (["zzz"], "there is no run named 'zzz'"),
        (["refine", "-o", "results"], "results is not empty; nothing is overwritten"),
        (["refine", "--device", "gpu"], "--device is 'gpu'"),
    ):
        done = fwibench("reproduce", *arguments)
        assert done.returncode == 2
        assert message in done.stderr
    alter(results, "refine", status="timeout", reason="killed at its time limit of 3 s")
    assert "add --time-limit" in fwibench("reproduce", "refine").stderr
