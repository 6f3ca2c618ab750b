import re

from fwibench.report.site.boards import make_boards
from fwibench.report.site.entries import Entry
from fwibench.report.site.history import HEIGHT, MARGIN, WIDTH, Course, trace
from tests.boards.records import builtin_columns
from tests.report.site.made import errors, make_entry


def course(*entries: Entry) -> Course:
    (board,) = make_boards(entries, builtin_columns())
    (found,) = trace(board.sections[0], builtin_columns())
    return found


def test_the_best_score_so_far_is_kept_until_a_better_one() -> None:
    found = course(
        make_entry("fine", errors(3.0), day=1),
        make_entry("rough", errors(9.0), day=2),
        make_entry("better", errors(1.0), day=4),
    )
    assert [(step.row.label, step.best.label, step.leads) for step in found.steps if step.best] == [
        ("fine", "fine", True),
        ("rough", "fine", False),
        ("better", "better", True),
    ]
    assert [step.row.label for _, _, step in found.points] == ["fine", "better"]
    across = [x for x, _, _ in found.points]
    assert across == [MARGIN, WIDTH - MARGIN]
    # the lowest error is drawn at the bottom
    assert [y for _, y, _ in found.points] == [MARGIN, HEIGHT - MARGIN]
    # the day of `rough` is a third of the way from the first to the last
    middle = MARGIN + (WIDTH - 2 * MARGIN) / 3
    assert [float(number) for number in re.findall(r"[\d.]+", found.line)][2] == round(middle, 1)


def test_a_former_entry_of_a_cell_counts_until_it_is_replaced() -> None:
    found = course(make_entry("fine", errors(1.0), day=1), make_entry("fine", errors(4.0), day=2))
    assert [round(step.best.score or 0, 9) for step in found.steps if step.best] == [1.0, 4.0]


def test_seeds_of_a_row_are_pooled_as_they_come() -> None:
    found = course(make_entry("fine", errors(1.0), day=1), make_entry("fine", errors(3.0), day=2, seed=1))
    assert [round(step.row.score or 0, 9) for step in found.steps] == [1.0, 2.0]


def test_entries_of_a_single_moment_have_no_curve() -> None:
    found = course(make_entry("fine", errors(1.0)), make_entry("rough", errors(2.0)))
    assert found.line == ""
    assert len(found.steps) == 2
