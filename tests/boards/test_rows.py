from typing import Any

from fwibench.boards.board import make_board
from fwibench.boards.rows import Row, Setting
from fwibench.report.figures.drawing import stem, title
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.record import Costs, Record
from tests.boards.records import builtin_columns


def record(method: str, mae: float | None, *, seed: int = 0, split: str = "random", **changes: Any) -> Record:
    cell = Cell(
        method=method,
        method_version="1",
        options={"alpha": 1.0},
        dataset="salt",
        dataset_options={},
        fingerprint="f",
        split=split,
        seed=seed,
        profile="quick",
    )
    fields: dict[str, Any] = {
        "status": "ok" if mae is not None else "failed",
        "scores": {} if mae is None else {"mae": mae, "ssim-wang": 0.5},
        "source": "synthetic",
        "n_test": 10,
        "started": f"2026-01-0{seed + 1}",
        "costs": Costs(fit_s=10.0 * (seed + 1)),
        **changes,
    }
    return Record(cell=cell, **fields)


def make_rows(records: list[Record]) -> list[Row]:
    return make_board(records, builtin_columns()).rows


def test_columns_are_the_documented_ones() -> None:
    (row,) = make_rows([record("a", 1.0)])
    assert len(row) == 42
    assert list(row)[-4:] == ["test_dataset", "samples_seen", "budget_s", "costs_source"], "new ones come at the end"
    assert tuple(row) == tuple(builtin_columns().by_key)[:42]


def test_seeds_are_averaged_and_failures_counted() -> None:
    (row,) = make_rows([record("a", 10.0), record("a", 20.0, seed=1), record("a", None, seed=2)])
    assert row["mae"] == 15
    assert row["fit_s"] == 15
    assert row["seeds"] == 2
    assert row["n_failed"] == 1
    assert row["status"] == "ok"
    assert row["date_utc"] == "2026-01-03"
    assert len(row["run_ids"].split()) == 3


def test_samples_seen_are_a_mean_over_seeds_and_empty_without_training() -> None:
    trained = [record("a", 1.0, seed=seed, costs=Costs(samples_seen=seen)) for seed, seen in enumerate((100, 103))]
    rows = {row["method"]: row for row in make_rows([*trained, record("b", 2.0)])}
    assert rows["a"]["samples_seen"] == 102, "rounded to a whole number"
    assert rows["b"]["samples_seen"] is None


def test_other_time_budgets_are_never_ranked_together() -> None:
    def with_budget(method: str, mae: float, budget: float | None) -> Record:
        made = record(method, mae)
        return made.model_copy(update={"cell": made.cell.model_copy(update={"budget": budget})})

    budgets = (None, 60.0, 300.0)
    rows = make_rows([with_budget(name, mae, budget) for budget in budgets for name, mae in (("a", 1.0), ("b", 2.0))])
    assert len(rows) == 6
    for budget in budgets:
        same = [row for row in rows if row["budget_s"] == budget]
        assert [row["rank"] for row in same] == [1, 2]
        assert len({row.group for row in same}) == 1
    titles = {row["budget_s"]: row.setting.title for row in rows}
    assert titles[300.0] == f"{titles[None]}, budget 5m00s"


def test_ranks_count_within_a_group() -> None:
    rows = make_rows(
        [record("a", 3.0), record("b", 1.0), record("c", None), record("a", 9.0, split="block"), record("z", 0.0)]
    )
    ranks = {(row["split"], row["method"]): row["rank"] for row in rows}
    assert ranks == {
        ("random", "z"): 1,
        ("random", "b"): 2,
        ("random", "a"): 3,
        ("random", "c"): None,
        ("block", "a"): 1,
    }


def test_tracks_are_never_ranked_together() -> None:
    rows = make_rows([record("a", 3.0), record("b", 1.0, track="oracle-start")])
    assert [row["rank"] for row in rows] == [1, 1]


def test_other_options_are_another_row() -> None:
    first = record("a", 3.0)
    cell = first.cell.model_copy(update={"options": {"alpha": 10.0}})
    second = record("a", 1.0).model_copy(update={"cell": cell, "chosen": {"alpha": 10.0}})
    assert [row["options"] for row in make_rows([first, second])] == ["alpha=10.0", ""]


def test_seeds_of_a_hybrid_are_one_row_that_shows_the_options_of_its_base() -> None:
    records = []
    for precision in ("bf16", "32"):
        for seed in range(3):
            base = record("net", 5.0, seed=seed, chosen={"precision": precision} if precision == "bf16" else {})
            options = {"alpha": 1.0, "precision": precision}
            base = base.model_copy(update={"cell": base.cell.model_copy(update={"options": options})})
            above = record("hybrid", 1.0 + seed, seed=seed, chosen={"on": "net"})
            changes = {"options": {"on": "net", "steps": 3}, "base": base.run_id}
            records += [base, above.model_copy(update={"cell": above.cell.model_copy(update=changes)})]
    rows = [row for row in make_rows(records) if row["method"] == "hybrid"]
    assert [(row["seeds"], row["mae"]) for row in rows] == [(3, 2.0), (3, 2.0)]
    assert {row["options"] for row in rows} == {"on=net[precision=bf16]", "on=net"}


def transferred(seed: int, mae: float, **values: Any) -> Record:
    other = {"dataset": "marmousi", "dataset_options": {}, "fingerprint": "m", "split": "random", **values}
    made = record("a", mae, seed=seed)
    content = {**made.cell.model_dump(), "tested_on": other, "model": f"run of seed {seed}"}
    return made.model_copy(update={"cell": Cell.model_validate(content)})


def test_seeds_of_a_transfer_are_one_row() -> None:
    rows = make_rows([record("a", 1.0), *(transferred(seed, 4.0 + seed) for seed in range(3))])
    assert [(row["test_dataset"], row["seeds"], row["mae"], row["rank"]) for row in rows] == [
        (None, 1, 1.0, 1),
        ("marmousi", 3, 5.0, 1),
    ]
    assert rows[0].setting.test_dataset == ""
    assert "tested on" not in rows[0].setting.title
    assert ", tested on marmousi, split random," in rows[1].setting.title


def test_tested_data_that_differ_are_named_by_fingerprint() -> None:
    rows = make_rows([transferred(0, 1.0), transferred(0, 2.0, fingerprint="n" * 64)])
    assert {row["test_dataset"] for row in rows} == {"marmousi@m", f"marmousi@{'n' * 8}"}
    assert {row["dataset"] for row in rows} == {"salt"}
    moved = transferred(1, 3.0, dataset_options={"path": "/data"})
    assert len(make_rows([transferred(0, 1.0), moved])) == 1, "where files lie makes no other row"


def test_a_variant_is_another_dataset_and_a_folder_is_not() -> None:
    noisy = record("a", 1.0)
    noisy = noisy.model_copy(
        update={"cell": noisy.cell.model_copy(update={"dataset_options": {"snr": 10.0}, "fingerprint": "g"})}
    )
    moved = record("a", 1.0)
    moved = moved.model_copy(update={"cell": moved.cell.model_copy(update={"dataset_options": {"path": "/data"}})})
    assert moved.cell.key == record("a", 1.0).cell.key
    rows = make_rows([record("a", 1.0), noisy, moved])
    assert {row["dataset"] for row in rows} == {"salt", "salt[snr=10.0]"}


def test_words_of_a_setting_tell_its_time_budget() -> None:
    plain, other = (Setting("salt", "synthetic", "random", "standard", "quick", "", budget) for budget in ("", "90.0"))
    assert plain.words == ("salt", "", "random", "quick", "standard", "")
    assert other.words == ("salt", "", "random", "quick", "standard", "budget 1m30s")
    assert title("Errors", other) == f"{title('Errors', plain)}, budget 1m30s"
    assert stem("errors", *other.words) != stem("errors", *plain.words)
