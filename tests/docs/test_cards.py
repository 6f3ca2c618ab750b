"""Cards of methods and datasets say what the code and the recorded results say."""

import json
from pathlib import Path

import pytest

from fwibench.datasets.base import Dataset
from fwibench_docs import dataset_cards, method_cards
from fwibench_docs.code import built_in, describe_problem, describe_splits, open_built_in
from fwibench_docs.dataset_cards import MEASURED, StaleCardError, card, dataset_pages, read_measured
from fwibench_docs.measured import measure
from fwibench_docs.results import leaderboard_rows

MEASURED_NAMES = ("kimberlina-leakage", "kimberlina-reservoir", "marmousi", "salt")


def test_every_dataset_has_a_card_with_its_problem_splits_and_caveats() -> None:
    pages = dataset_pages()
    assert set(pages) == set(built_in().datasets)
    for name, text in pages.items():
        dataset = open_built_in(name, "quick")
        for label, value in describe_problem(dataset.problem):
            assert f"| {label} | {value} |" in text, label
        for label, value in describe_splits(dataset):
            assert f"| quick | {label.removeprefix('split ')} | {value} |" in text, label
        for caveat in dataset.spec.caveats:
            assert f"- {caveat}\n" in text
        for option in dataset.spec.options.model_fields:
            assert f"| `{option}` |" in text


def test_measured_statistics_belong_to_the_samples_of_today() -> None:
    assert tuple(sorted(path.stem for path in MEASURED.glob("*.json"))) == MEASURED_NAMES
    for name in MEASURED_NAMES:
        dataset = open_built_in(name, "quick")
        measured = read_measured(dataset)
        assert measured["fingerprint"] == dataset.fingerprint[:16]
        assert (MEASURED / f"{name}.png").is_file()
        text = card(name)
        for label, value in measured["statistics"]:
            assert f"| {label} | {value} |" in text
        for row in measured["maps"]["rows"]:
            assert f"| {' | '.join(row)} |" in text


def test_statistics_of_other_samples_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = json.loads((MEASURED / "salt.json").read_text())
    (tmp_path / "salt.json").write_text(json.dumps({**stored, "fingerprint": "0" * 16}))
    monkeypatch.setattr(dataset_cards, "MEASURED", tmp_path)
    with pytest.raises(StaleCardError, match="run make cards"):
        card("salt")


def test_measured_statistics_are_those_of_the_samples(salt: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fwibench_docs.measured.open_built_in", lambda name, profile: salt)
    values, picture = measure("salt")
    stored = json.loads((MEASURED / "salt.json").read_text())
    assert values["fingerprint"] == salt.fingerprint[:16]
    assert values["profile"] == "smoke"
    assert [label for label, _ in values["statistics"]] == [label for label, _ in stored["statistics"]]
    assert list(values["maps"]["header"]) == stored["maps"]["header"]
    assert picture.startswith(b"\x89PNG")


def test_every_method_has_a_card_with_a_description_its_options_and_its_results() -> None:
    pages = method_cards.method_pages()
    assert set(pages) == set(built_in().methods)
    assert {path.stem for path in method_cards.ABOUT.glob("*.md")} == set(pages)
    for name, text in pages.items():
        spec = built_in().method(name).spec
        assert "**How it works.**" in text
        assert "**When to use it.**" in text
        for option in spec.options.model_fields:
            assert f"| `{option}` |" in text
        for entry in spec.published:
            assert entry.source in text
        for row in leaderboard_rows():
            if row["method"] == name:
                assert f"| {float(row['mae']):.4g} {row['unit']} |" in text
