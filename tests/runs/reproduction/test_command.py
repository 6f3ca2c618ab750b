"""The command line that reproduces a run."""

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry
from fwibench.problem import Frozen
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.record import Record
from fwibench.runs.planning.grammar import parse_selection, parse_settings, read_request
from fwibench.runs.planning.plan import make_plan
from fwibench.runs.reproduction.command import command_of
from fwibench.specs.dataset_options import DataPath, FilesOptions
from fwibench.specs.options import parse_options, validate_options
from tests.command_lines import arguments_of, parse


def read(model: type[Frozen], texts: dict[str, str]) -> Any:
    """Return options from texts."""
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
    "a time budget": {"methods": "invlint,mean-map,refine[base=invlint]", "budget": 90.5},
    "a short time budget": {"methods": "invlint", "budget": 2e-5},
    "a hybrid": {"methods": "refine[base=mean-map,iterations=3],refine", "seeds": 2},
    "a base with options": {
        "methods": "invlint,refine[base=invlint|mean-map,tv=0.5]",
        "settings": ("invlint.epochs=3", "invlint.alpha=10"),
        "seeds": 2,
    },
}


@pytest.mark.parametrize("asked", MATRIX.values(), ids=MATRIX)
@pytest.mark.parametrize("with_registry", [True, False])
def test_command_reproduces_same_cell(
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
        assert len(keys) == (2 if record.cell.base else 1), "no other cell except its base"


def test_command_names_options_that_profile_has_changed(registry: Registry, tmp_path: Path) -> None:
    """The record stores options that differed from the profile then; the command names those that differ now."""
    (one,) = make_plan(read_request(registry, "inversionnet[epochs=77]", "salt", results=tmp_path), registry)
    record = Record(cell=one.cell, status="ok", chosen={})
    assert "inversionnet[epochs=77]" in command_of(record, registry=registry)
    assert "inversionnet" in command_of(record)


def test_first_seed_continues_repetitions(registry: Registry, tmp_path: Path) -> None:
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
def test_any_option_text_survives_round_trip(text: str) -> None:
    chosen = {"text": text, "several": [text, "b"]}
    record = Record(cell=cell_of(dataset_options={"path": text}), status="ok", chosen=chosen)
    again = arguments_of(command_of(record))
    (method,), (dataset,) = parse_selection(again["methods"]), parse_selection(again["dataset"])
    assert read(Odd, method.options) == Odd(**chosen)
    assert read(FilesOptions, dataset.options) == FilesOptions(path=text)


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_path_survives_round_trip(text: str) -> None:
    path = FilesOptions(path=text).path
    options = {"path": str(path), "axes": "xz"}
    record = Record(cell=cell_of(dataset_options=options, method="below"), status="ok", chosen={"start": str(path)})
    above = Record(cell=cell_of(), status="ok")
    line = shlex.join(command_of(above, record))
    again = arguments_of(shlex.split(line))
    assert read(Started, parse_settings(again["settings"])["below"]).start == path
    again = arguments_of(shlex.split(shlex.join(command_of(record))))
    (dataset,) = parse_selection(again["dataset"])
    assert read(FilesOptions, dataset.options).path == path


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_names_remain_single_words(text: str, tmp_path: Path) -> None:
    cell = cell_of(method=text, dataset=text, split=text, plugin=text)
    words = command_of(Record(cell=cell, status="ok", chosen={text: text}))
    line = shlex.join(words[1:])
    done = subprocess.run(["sh", "-c", f"printf '%s\\0' {line}"], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == words[1:]
    assert list(tmp_path.iterdir()) == []
    # no text becomes an option
    assert [word for word in words if word.startswith("-") and "=" not in word and len(word) > 2] == [
        word for word in words if word in {"--override", "--methods", "--dataset", "--split", "--profile", "--set"}
    ]
