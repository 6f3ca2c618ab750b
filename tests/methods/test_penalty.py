from pathlib import Path

import pytest

from fwibench.methods.penalty import penalty_notes
from fwibench.plugins.registry import Registry
from fwibench.runs.planning.grammar import read_request
from tests.runs.finished import finish


@pytest.mark.parametrize(("chosen", "words"), [(0.1, "smallest"), (10.0, "largest")])
def test_a_penalty_at_the_end_of_its_range_is_noted(chosen: float, words: str) -> None:
    (note,) = penalty_notes(chosen, (10.0, 0.1, 1.0))
    assert f"alpha={chosen:g}, chosen on val, is the {words} that was compared" in note


def test_a_penalty_within_its_range_is_not_noted() -> None:
    assert penalty_notes(1.0, (0.1, 1.0, 10.0)) == []


@pytest.mark.usefixtures("salt")
def test_notes_of_a_method_are_in_the_record(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # of two penalties either is an extreme one
    monkeypatch.setattr("fwibench_baselines.pixel_ridge.ALPHAS", (10.0, 1000.0))
    results = tmp_path / "results"
    methods = "pixel-ridge[alpha=val|10]"
    chosen, given = finish(read_request(registry, methods, "salt", profile="smoke", results=results), registry)
    assert any("chosen on val, is the" in note for note in chosen.notes)
    assert not given.notes
