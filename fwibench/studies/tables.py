"""A study as tables, in the layout of its publication, and as one line for each number.

Invariant: a number that was not measured is empty and its gap is named; a published number is never mixed with ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fwibench.boards.rows import Column, Columns
from fwibench.specs.study import PublishedValue, Quantity, StudySpec
from fwibench.studies.results import CaseResult, StudyResults, Value
from fwibench.studies.summaries import cases_of_row, summary_value
from fwibench.text.readable import show_count, show_number
from fwibench.text.tables import TextTable

SUMMARIES = {"area": "mean over the axis", "power-law": "exponent"}
FIELDS = (
    *("study", "block", "row", "column", "quantity", "unit", "value", "ci_low", "ci_high", "over"),
    *("published", "published_in", "caveat", "method", "dataset", "test_on", "status", "run_ids"),
)
"""Columns of the long table."""


@dataclass(frozen=True)
class _Looks:
    """Texts of a quantity and its numbers."""

    quantity: Quantity
    column: Column | None

    @classmethod
    def of(cls, quantity: Quantity, columns: Columns) -> _Looks:
        return cls(quantity, columns.by_key.get(quantity.key))

    @property
    def title(self) -> str:
        """Title without unit."""
        return self.quantity.title or (self.column.title if self.column else "") or self.quantity.key

    def head(self, unit: str) -> str:
        """Title with unit."""
        own = self.column.unit(unit) if self.column else ""
        return f"{self.title} [{own}]" if own and "[" not in self.title else self.title

    def text(self, value: float | None) -> str:
        """Text of a number."""
        if value is None:
            return ""
        if self.quantity.exact:
            return show_count(value)
        return show_number(value) if self.column is None or self.column.metric else self.column.show(value)


def make_tables(results: StudyResults) -> list[TextTable]:
    """Lay out a study: a table for each block, or for each of its quantities where cases have columns.

    Args:
        results: The results.
    """
    study = results.plan.study
    tables = []
    for block in results.blocks:
        here = [case for (own, _, _), case in results.cases.items() if own == block]
        if any(case.case.column for case in here):
            tables += [_by_column(results, block, quantity) for quantity in study.quantities]
        else:
            tables.append(_by_quantity(results, block))
    return tables


def _by_quantity(results: StudyResults, block: str) -> TextTable:
    study = results.plan.study
    rows = results.rows(block)
    cases = [results.cases[block, row, ""] for row in rows]
    printed, printed_in = _printed(study, block, rows)
    columns: dict[str, list[str]] = {"row": rows}
    optional = []
    for number, quantity in enumerate(study.quantities):
        values = [case.value(quantity) for case in cases]
        looks = _Looks.of(quantity, cases[0].columns)
        columns[looks.head(_unit(results, block))] = [looks.text(value.mean) for value in values]
        if number == 0 and not quantity.exact:
            columns["95 %"] = [_ends(value) for value in values]
            optional.append("95 %")
        theirs = [printed.get((row, quantity.key)) for row in rows]
        if any(theirs):
            head = f"published {looks.title}{printed_in}"
            columns[head] = [looks.text(one.value) if one else "" for one in theirs]
    right = tuple(name for name in columns if name != "row")
    if any(case.gap for case in cases):
        columns["missing"] = [case.gap for case in cases]
    return TextTable(block, tuple(columns), _transposed(list(columns.values())), right, tuple(optional))


def _by_column(results: StudyResults, block: str, quantity: Quantity) -> TextTable:
    study = results.plan.study
    rows = results.rows(block)
    names = list(dict.fromkeys(column for own, _, column in results.cases if own == block))
    looks = _Looks.of(quantity, next(iter(results.cases.values())).columns)
    columns: dict[str, list[str]] = {"row": rows}
    for name in names:
        found = [results.cases.get((block, row, name)) for row in rows]
        columns[name] = [looks.text(case.value(quantity).mean) if case else "" for case in found]
    if study.row_summary:
        values = [summary_value(results, block, row, quantity) for row in rows]
        columns[SUMMARIES[study.row_summary]] = [show_number(value.mean) for value in values]
        columns["95 %"] = [_ends(value) for value in values]
    right = tuple(name for name in columns if name != "row")
    lacking = [_gaps_of_row(results, block, row) for row in rows]
    if any(lacking):
        columns["missing"] = lacking
    title = f"{block}: {looks.head(_unit(results, block))}"
    return TextTable(title, tuple(columns), _transposed(list(columns.values())), right)


def _gaps_of_row(results: StudyResults, block: str, row: str) -> str:
    return "; ".join(dict.fromkeys(case.gap for case in cases_of_row(results, block, row) if case.gap))


def head_of(results: StudyResults, quantity: Quantity, block: str = "") -> str:
    """Return the title of a quantity with its unit.

    Args:
        results: The results.
        quantity: The quantity.
        block: Block whose dataset has the unit; empty for the first.
    """
    columns = next(iter(results.cases.values())).columns
    return _Looks.of(quantity, columns).head(_unit(results, block or results.blocks[0]))


def published_rows(results: StudyResults, block: str) -> dict[tuple[str, str], PublishedValue]:
    """Return what is printed for the rows of a block, by row and quantity; empty if the block is not printed."""
    found, elsewhere = _printed(results.plan.study, block, results.rows(block))
    return {} if elsewhere else found


def _printed(study: StudySpec, block: str, rows: Sequence[str]) -> tuple[dict[tuple[str, str], PublishedValue], str]:
    """Published values by row and quantity, and their block if the publication does not print this one."""
    blocks = list(dict.fromkeys(value.block for value in study.published))
    chosen = block if block in blocks else blocks[0] if blocks else ""
    found = {(one.row, one.quantity): one for one in study.published if one.block == chosen and one.row in rows}
    return found, "" if chosen in ("", block) else f" ({chosen})"


def _ends(value: Value) -> str:
    return "" if value.ends is None else " to ".join(map(show_number, value.ends))


def _unit(results: StudyResults, block: str) -> str:
    return next((case.row.unit for (own, _, _), case in results.cases.items() if own == block and case.row), "")


def _transposed(columns: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(row) for row in zip(*columns, strict=True)]


def long_table(results: StudyResults) -> list[dict[str, Any]]:
    """Return one entry for each number of a study, ours and published, with the keys `FIELDS`."""
    return list(_entries(results))


def _entries(results: StudyResults) -> Iterator[dict[str, Any]]:
    study = results.plan.study
    printed = {(*value.place, value.quantity): value for value in study.published}
    for place, case in results.cases.items():
        for quantity in study.quantities:
            theirs = printed.get((*place, quantity.key))
            yield _entry(study, place, case, quantity, theirs)


def _entry(
    study: StudySpec,
    place: tuple[str, str, str],
    case: CaseResult,
    quantity: Quantity,
    theirs: PublishedValue | None,
) -> dict[str, Any]:
    value = case.value(quantity)
    low, high = value.ends or (None, None)
    column = case.columns.by_key.get(quantity.key)
    unit = column.unit(case.row.unit) if column and case.row else ""
    known = (
        study.name, *place, quantity.key, unit, value.mean, low, high, value.over,
        theirs.value if theirs else None, theirs.source if theirs else "", theirs.caveat if theirs else "",
        case.case.method, case.case.dataset, case.case.test_on, case.gap or "ok",
        " ".join(record.run_id for record in case.ok),
    )  # fmt: skip
    return dict(zip(FIELDS, known, strict=True))
