from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fwibench as fb
from fwibench.api.runs import rank
from fwibench.api.score import score_with
from fwibench.boards.columns import columns_of
from fwibench.boards.exporters.data import as_csv
from fwibench.boards.exporters.pages import as_html, as_latex, as_markdown
from fwibench.boards.pairwise import compare_all
from fwibench.boards.rows import STATED
from fwibench.datasets.base import Dataset
from fwibench.errors import DataError, FwibenchError, UnknownNameError, UsageError
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Costs, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.external import checks
from fwibench.runs.external.score import check_replacement
from fwibench.runs.external.targets import target_of, write_truth
from fwibench.runs.planning.request import Request, Selected
from fwibench.runs.prediction.predict import make_task
from fwibench.runs.reproduction.repeat import read_run
from fwibench.runs.scoring.rescore import rescore
from tests.runs.finished import finish

COSTS = {"parameters": 24_409_123, "fit_s": 5400.0, "predict_ms_cpu1": 12.5}


@pytest.fixture(scope="module")
def results(registry: Registry, salt: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results with a run of invlint, and its predictions as `foreign.npz`, in another order."""
    root = tmp_path_factory.mktemp("results")
    request = Request(
        methods=(Selected(name="invlint", options={"max_batches": 3}),),
        datasets=(Selected(name="salt"),),
        results=root,
        profile="smoke",
    )
    (record,) = finish(request, registry)
    record = record.model_copy(update={"source": "synthetic", "kind": "learned"})
    write_record(record, RunFiles(Results(root).folder(record.cell)).record)
    run = fb.load_run(record.run_id, root)
    order = np.random.default_rng(0).permutation(len(run.ids))
    np.savez(root / "foreign.npz", maps=run.predictions[order], ids=np.array(run.ids)[order])
    return root


def truth_of(salt: Dataset) -> np.ndarray:
    return salt.split("random", "test").properties[:]


def give(registry: Registry, predictions: Any, **settings: Any) -> fb.Evaluation:
    return score_with(registry, predictions, "salt", settings.pop("name", "ours"), profile="smoke", **settings)


def test_predictions_of_a_run_have_its_scores_and_no_costs_in_one_table(registry: Registry, results: Path) -> None:
    given = give(registry, results / "foreign.npz")
    given.save(results)
    records, faults = Results(results).records()
    assert not faults
    own, foreign = sorted(records, key=lambda record: record.kind == "external")
    assert {name: foreign.scores[name] for name in own.scores} == own.scores, "to the last digit"
    np.testing.assert_array_equal(given.samples.values["mae"], fb.load_run(own.run_id, results).samples.values["mae"])
    assert (foreign.costs, foreign.has_costs) == (Costs(), False)
    board = rank(records, results, columns_of(registry))
    assert len({line.row.group for line in board.lines}) == 1
    rows = {row["method"]: row for row in board.rows}
    assert rows["ours"]["mae"] == rows["invlint"]["mae"]
    assert rows["ours"]["mae_ci_low"] is not None
    empty = ("parameters", "flops", "fit_s", "predict_ms_cpu1", "costs_source", "device", "n_train")
    assert [rows["ours"][name] for name in empty] == [None] * len(empty)
    (compared,), _ = compare_all(board.lines, ["ours", "invlint"], columns_of(registry).ranking)
    assert compared.comparisons[0].difference == 0


def test_an_external_run_is_scored_again_and_neither_reproduced_nor_applied(
    registry: Registry, results: Path, tmp_path: Path
) -> None:
    folder = give(registry, results / "foreign.npz").save(tmp_path)
    record, failures = rescore(folder, ["mae-shallow"], registry)
    assert record.scores["mae-shallow"] is not None
    assert not failures
    with pytest.raises(UsageError, match="is external: no plugin offers ours, so its result cannot be reproduced"):
        read_run(folder, to_run=False)
    with pytest.raises(UsageError, match="is external and has no model"):
        make_task(folder, np.zeros((1, 1, 1, 1)), registry)


def test_stated_costs_are_marked_in_every_table_and_export(registry: Registry, results: Path) -> None:
    given = give(registry, results / "foreign.npz", name="stated", meta={"version": "3", "costs": COSTS})
    assert given.record.costs_source == "stated"
    assert (given.record.cell.method_version, given.record.complexity.parameters) == ("3", 24_409_123)
    board = rank([given.record], results, columns_of(registry))
    (row,) = board.rows
    texts = {column.key: column.text(row) for column in row.columns}
    assert [texts[name] for name in COSTS] == ["24.41M†", "1h30m†", "12.5†"]
    assert "†" not in texts["mae"]
    assert STATED in board.notes
    for export in (as_markdown, as_latex):
        text = export(board.rows)
        assert text.count("†") == 4, "three costs and the footnote"
        assert "stated by those who made the predictions" in text
    for export in (as_csv, as_html):
        assert "costs_source" in export(board.rows)
        assert "stated" in export(board.rows).replace("stated[", "")


def test_measured_costs_have_no_mark(registry: Registry, results: Path) -> None:
    records = [record for record in Results(results).records()[0] if record.kind != "external"]
    board = rank(records, results, columns_of(registry))
    assert {row["costs_source"] for row in board.rows} == {"measured"}
    assert "†" not in as_markdown(board.rows)
    assert STATED not in board.notes


@pytest.mark.parametrize(
    ("meta", "error", "message"),
    [
        ({"costs": {"parameter": 3}}, UsageError, "no key of meta \\[costs\\] named 'parameter'"),
        ({"versions": "3"}, UsageError, "no key of meta named 'versions'"),
        ({"costs": {"fit_s": -1}}, UsageError, "costs.fit_s: Input should be greater than or equal to 0"),
        ({"track": "best"}, UsageError, "track: Input should be"),
        ({"fingerprint": "0" * 64}, DataError, "the meta file is of a dataset with the fingerprint 000000000000"),
    ],
)
def test_a_wrong_statement_is_an_error(
    registry: Registry, results: Path, meta: dict[str, Any], error: type[FwibenchError], message: str
) -> None:
    with pytest.raises(error, match=message):
        give(registry, results / "foreign.npz", meta=meta)


def test_predictions_of_another_dataset_are_an_error(
    registry: Registry, results: Path, salt: Dataset, tmp_path: Path
) -> None:
    content = dict(np.load(results / "foreign.npz"))
    np.savez(tmp_path / "own.npz", **content, fingerprint=salt.fingerprint)
    np.savez(tmp_path / "other.npz", **content, fingerprint="f" * 64)
    give(registry, tmp_path / "own.npz")
    with pytest.raises(DataError, match=r"other\.npz is of a dataset with the fingerprint ffffffffffff, salt"):
        give(registry, tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda maps: maps[::-1], "not in the order of the test split"),
        (lambda maps: maps[1:], "maps, expected"),
        (lambda maps: maps / 1000, "far outside of the bounds"),
        (lambda maps: np.where(maps > 4000, np.nan, maps), "NaN or infinite"),
        (lambda maps: maps.swapaxes(-1, -2), "they are transposed"),
        (lambda maps: maps[:, :, ::-1], "upside down"),
    ],
)
def test_wrong_arrays_are_an_error_of_their_own(
    registry: Registry, salt: Dataset, change: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the smoke profile has fewer test samples than are judged by the truth
    monkeypatch.setattr(checks, "FEWEST", 2)
    maps = truth_of(salt) + np.random.default_rng(0).normal(0, 30, truth_of(salt).shape)
    give(registry, maps)
    with pytest.raises(DataError, match=message):
        give(registry, change(maps))


def test_names_are_unique_and_written_as_those_of_methods(registry: Registry, salt: Dataset) -> None:
    with pytest.raises(UsageError, match="invlint is the name of a method"):
        give(registry, truth_of(salt), name="invlint")
    with pytest.raises(UsageError, match="the name is 'Our Net'"):
        give(registry, truth_of(salt), name="Our Net")
    with pytest.raises(UnknownNameError, match="no metric named 'sim'"):
        give(registry, truth_of(salt), metrics=["sim"])


def test_the_truth_itself_gets_a_note(registry: Registry, salt: Dataset) -> None:
    with pytest.warns(UserWarning, match="predictions equal the truth in every node"):
        fb.score(truth_of(salt), "salt", "ours", profile="smoke")


def test_hidden_truth_gives_the_same_scores_without_samples(
    registry: Registry, results: Path, salt: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_truth(target_of(salt, "random"), tmp_path / "truth.npz")
    expected = give(registry, results / "foreign.npz")
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "nothing"))
    found = give(registry, results / "foreign.npz", truth=tmp_path / "truth.npz")
    assert found.record.scores == expected.record.scores
    assert found.record.cell == expected.record.cell
    assert found.record.origin is not None
    assert len(found.record.origin.truth_sha256) == 64
    assert not (tmp_path / "nothing").exists(), "no sample was made"
    with pytest.raises(DataError, match="is of dataset salt, not of marmousi"):
        score_with(registry, results / "foreign.npz", "marmousi", "ours", truth=tmp_path / "truth.npz")
    with pytest.raises(DataError, match="is of profile smoke, not of quick"):
        score_with(registry, results / "foreign.npz", "salt", "ours", truth=tmp_path / "truth.npz")
    with pytest.raises(UsageError, match="data-misfit compares measurements"):
        give(registry, results / "foreign.npz", truth=tmp_path / "truth.npz", metrics=["data-misfit"])


def test_other_predictions_of_one_name_version_and_seed_are_not_replaced_silently(
    registry: Registry, salt: Dataset, tmp_path: Path
) -> None:
    def noisy(draw: int, **settings: Any) -> fb.Evaluation:
        maps = truth_of(salt) + np.random.default_rng(draw).normal(0, 30, truth_of(salt).shape)
        return give(registry, maps, meta={"version": "1"}, **settings)

    noisy(0).save(tmp_path)
    check_replacement(noisy(0).record, Results(tmp_path))
    with pytest.raises(UsageError, match="holds other predictions of this name, version and seed"):
        check_replacement(noisy(1).record, Results(tmp_path))
    second = noisy(1, seed=1)
    check_replacement(second.record, Results(tmp_path))
    second.save(tmp_path)
    (row,) = rank(Results(tmp_path).records()[0], tmp_path, columns_of(registry)).rows
    assert row["seeds"] == 2
