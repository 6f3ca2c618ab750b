"""Tables within hand-written pages, by the name that the directive `fwibench-table` takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from fwibench_docs import markdown
from fwibench_docs.benchmarks import growth_table, machines, ratios_table, values_table
from fwibench_docs.code import (
    CHECKS,
    DatasetSpec,
    MethodSpec,
    MetricSpec,
    StudySpec,
    built_in,
    hooks,
    leaderboard_columns,
)
from fwibench_docs.dataset_cards import datasets_table
from fwibench_docs.method_cards import methods_table


def columns_table() -> str:
    """Return the columns of the leaderboard in their order."""
    rows = [(markdown.code(column.key), column.kind, column.meaning) for column in leaderboard_columns()]
    return markdown.table(("column", "type", "meaning"), rows)


def checks_table(kind: type[MethodSpec | DatasetSpec | MetricSpec | StudySpec]) -> str:
    """Return the conformance checks of one kind of plugin."""
    rows = [(markdown.code(check.name), check.summary) for check in CHECKS[kind]]
    return markdown.table(("check", "what it tests"), rows)


def metrics_table() -> str:
    """Return all metrics."""
    rows = []
    for name, offer in built_in().metrics.items():
        computed = "always" if offer.spec.default else f"with `--metrics {name}`"
        rows.append(
            (
                markdown.code(name),
                offer.spec.summary.partition(";")[0],
                offer.spec.direction.removesuffix(" is better"),
                computed,
            )
        )
    return markdown.table(("metric", "what it is", "better", "computed"), rows)


def exporters_table() -> str:
    """Return the file formats of leaderboards."""
    rows = [
        (markdown.code(offer.spec.suffix), offer.spec.summary, ", ".join(offer.spec.needs))
        for offer in built_in().exporters.values()
    ]
    return markdown.table(("suffix", "content", "needs"), rows)


def hooks_table() -> str:
    """Return the hooks with the first line of their descriptions."""
    rows = []
    for hook in hooks():
        arguments = ", ".join(inspect.signature(hook).parameters)
        summary = (inspect.getdoc(hook) or "").partition("\n")[0]
        rows.append((markdown.code(f"{hook.__name__}({arguments})"), summary))
    return markdown.table(("hook", "what it is asked for"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "benchmarks-growth": growth_table,
    "benchmarks-machines": machines,
    "benchmarks-ratios": ratios_table,
    "benchmarks-values": values_table,
    "checks-dataset": lambda: checks_table(DatasetSpec),
    "checks-method": lambda: checks_table(MethodSpec),
    "checks-metric": lambda: checks_table(MetricSpec),
    "checks-study": lambda: checks_table(StudySpec),
    "columns": columns_table,
    "datasets": datasets_table,
    "exporters": exporters_table,
    "hooks": hooks_table,
    "methods": methods_table,
    "metrics": metrics_table,
}
