from pathlib import Path

from fwibench.report.site.boards import make_boards
from fwibench.report.site.entries import Entry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import write_scores
from tests.boards.records import builtin_columns, read_board
from tests.report.site.made import errors, make_entry


def labels(entries: list[Entry]) -> list[list[list[str]]]:
    """Methods by board and by section."""
    boards = make_boards(entries, builtin_columns())
    return [[[row.label for row in section.board.rows] for section in board.sections] for board in boards]


def test_rows_are_those_of_the_leaderboard_of_the_same_runs(tmp_path: Path) -> None:
    entries = [make_entry(name, errors(10.0 * n, n), seed=0) for n, name in enumerate(("fine", "rough", "poor"), 1)]
    entries.append(make_entry("rough", errors(23.0, 7), seed=1))
    results = Results(tmp_path)
    for entry in entries:
        write_scores(entry.scores, results.folder(entry.record.cell))
        write_record(entry.record, RunFiles(results.folder(entry.record.cell)).record)
    (board,) = make_boards(entries, builtin_columns())
    (section,) = board.sections
    assert [dict(row) for row in section.board.rows] == [dict(row) for row in read_board(tmp_path).rows]
    assert section.board.notes == read_board(tmp_path).notes


def test_another_fingerprint_is_another_board_with_another_page() -> None:
    old, new = make_entry("fine", errors(1.0)), make_entry("rough", errors(2.0), fingerprint="e" * 64)
    first, second = make_boards([old, new], builtin_columns())
    assert first.page != second.page
    assert {first.place.fingerprint, second.place.fingerprint} == {"f" * 64, "e" * 64}
    assert labels([old, new]) == [[["rough"]], [["fine"]]]


def test_tracks_and_splits_are_boards_of_their_own() -> None:
    entries = [
        make_entry("fine", errors(1.0)),
        make_entry("helped", errors(0.5), track="oracle-start"),
        make_entry("held-out", errors(2.0), split="block"),
    ]
    assert sorted(labels(entries)) == [[["fine"]], [["held-out"]], [["helped"]]]


def test_versions_of_a_metric_are_tables_of_their_own_and_named() -> None:
    old = make_entry("old", errors(1.0), metrics={"mae": "9"})
    new = make_entry("new", errors(2.0), metrics={"mae": "10"})
    (board,) = make_boards([old, new], builtin_columns())
    assert [section.versions for section in board.sections] == ["mae version 10", "mae version 9"]
    assert labels([old, new]) == [[["new"], ["old"]]]
    assert [row["rank"] for section in board.sections for row in section.board.rows] == [1, 1]
    anchors = [shown.anchor for section in board.sections for group in section.groups for shown in group.rows]
    assert len(set(anchors)) == 2


def test_an_entry_without_a_metric_stands_beside_its_latest_version() -> None:
    entries = [
        make_entry("old", errors(1.0), metrics={"mae": "1", "ssim": "1"}),
        make_entry("new", errors(2.0), metrics={"mae": "1", "ssim": "2"}),
        make_entry("without", errors(3.0), metrics={"mae": "1"}),
    ]
    assert labels(entries) == [[["new", "without"], ["old"]]]


def test_one_version_of_all_metrics_is_not_named() -> None:
    (board,) = make_boards([make_entry("fine", errors(1.0)), make_entry("rough", errors(2.0))], builtin_columns())
    assert [section.versions for section in board.sections] == [""]


def test_the_latest_entry_of_a_cell_stands_on_the_board() -> None:
    entries = [make_entry("fine", errors(1.0), day=1), make_entry("fine", errors(5.0), day=2)]
    (board,) = make_boards(entries, builtin_columns())
    (row,) = board.sections[0].board.rows
    assert abs(row["mae"] - 5.0) < 1e-9
    assert board.entries == [entries[1]]


def test_a_page_keeps_its_name_when_entries_are_added() -> None:
    first = [make_entry("fine", errors(1.0))]
    more = [
        *first,
        make_entry("new", errors(2.0), metrics={"mae": "2"}),
        make_entry("other", errors(2.0), split="block"),
    ]
    (alone,) = make_boards(first, builtin_columns())
    assert alone.page in {board.page for board in make_boards(more, builtin_columns())}
