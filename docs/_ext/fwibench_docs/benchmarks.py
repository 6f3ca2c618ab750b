"""Tables of `benchmarks/results` for the page on performance."""

from __future__ import annotations

import json
import statistics
from functools import cache
from typing import Any

from fwibench_docs import markdown
from fwibench_docs.results import ROOT


@cache
def recorded() -> tuple[dict[str, Any], ...]:
    """Return what each benchmark recorded, with its `name`."""
    files = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
    return tuple({"name": path.stem, **json.loads(path.read_text(encoding="utf-8"))} for path in files)


def ratios_table() -> str:
    """Return how much longer other ways to do the same work take."""
    rows = []
    for benchmark in recorded():
        ours = {one["case"]: one for one in benchmark["cases"] if one["ours"]}
        for one in benchmark["cases"]:
            if one["ours"]:
                continue
            own, each = ours[one["case"]], one["ratios"]
            used = sum(own["processor_s"])
            rows.append(
                (
                    _script(benchmark),
                    one["case"],
                    f"{own['way']}: {_seconds(statistics.median(own['wall_s']))}",
                    one["way"],
                    f"{statistics.median(each):.2f}",
                    f"{min(each):.2f} to {max(each):.2f}",
                    f"{sum(one['processor_s']) / used:.2f}" if used else "",
                    "" if one["difference"] is None else f"{one['difference']:.1e}",
                )
            )
    header = ("benchmark", "work", "ours", "other way", "ratio", "range", "of processor time", "results differ by")
    return markdown.table(header, rows)


def growth_table() -> str:
    """Return how times grow with the size of the work."""
    rows = [
        (
            _script(benchmark),
            one["case"],
            one["what"],
            f"{one['sizes'][0]} to {one['sizes'][-1]}",
            f"{one['exponent']:.2f}",
        )
        for benchmark in recorded()
        for one in benchmark["growth"]
    ]
    return markdown.table(("benchmark", "work", "size", "range", "exponent"), rows)


def values_table() -> str:
    """Return the numbers that are no ratios of times."""
    rows = [
        (_script(benchmark), one["case"], f"{one['value']:.4g} {one['unit']}")
        for benchmark in recorded()
        for one in benchmark["values"]
    ]
    return markdown.table(("benchmark", "quantity", "value"), rows)


def machines() -> str:
    """Return the machines of the tables, and what was measured on each."""
    found: dict[str, list[str]] = {}
    for benchmark in recorded():
        machine = benchmark["machine"]
        packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
        where = f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, {packages}"
        found.setdefault(where, []).append(benchmark["name"])
    return "\n".join(f"- {where}: {', '.join(names)}" for where, names in found.items())


def _script(benchmark: dict[str, Any]) -> str:
    return markdown.code(f"bench_{benchmark['name'].replace('-', '_')}.py")


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{1e3 * value:.3g} ms"
