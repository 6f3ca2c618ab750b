"""The table of columns: what each holds, how it is read from records and how it is shown.

Invariant: names and order of the stable columns never change, docs/guide/leaderboard.md lists them; columns of further
metrics follow. A value that was not measured is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from fwibench.boards.rows import Column, Columns, Row, plain
from fwibench.errors import UsageError
from fwibench.plugins.plugin import OWN
from fwibench.plugins.registry import Registry
from fwibench.specs.metric import MetricSpec, View
from fwibench.text.readable import show_count, show_number, show_seconds

EVERYWHERE: tuple[View, ...] = ("table", "page")


def _three_digits(value: float | None) -> str:
    return show_number(value, 3)


def _time(row: Row, key: str, show: Callable[[float | None], str]) -> str:
    """Text of a time, with a mark if other cells or other processes used the cores while it was measured."""
    text = show(row[key])
    return f"{text}*" if text and key in row.busy else text


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _status(row: Row) -> str:
    failed = f" ({row['n_failed']} not ok)" if row["n_failed"] and row["status"] == "ok" else ""
    return f"{row['status']}{failed}"


def show_score(row: Row) -> str:
    """Return a row's score with its unit; empty where there is none."""
    return "" if row.score is None else f"{show_number(row.score)} {row.columns.ranking.unit(row.unit)}".strip()


def show_interval(row: Row) -> str:
    """Return both ends of the interval of a row's score; empty where there is none."""
    return " to ".join(map(show_number, row.interval)) if row.interval else ""


BEFORE_SCORES = (
    Column(
        "rank",
        "integer",
        "place in the group by the ranking metric; 1 also for all that are statistically indistinguishable from the "
        "best; empty if not ranked",
        title="rank",
        part="method",
        shown=EVERYWHERE,
        cell=lambda row: f"{row['rank']}=" if row.tied else plain(row["rank"]),
    ),
    Column(
        "method",
        "text",
        "name of the method",
        lambda runs: runs.first.cell.method,
        title="method",
        part="method",
        shown=EVERYWHERE,
        cell=lambda row: row.label,
    ),
    Column(
        "method_version",
        "text",
        "version of the method's results",
        lambda runs: runs.first.cell.method_version,
        title="version",
    ),
    Column("plugin", "text", "distribution that offers the method", lambda runs: runs.first.plugin),
    Column("options", "text", "options that differ from the profile's", lambda runs: runs.options),
    Column("dataset", "text", "name of the dataset, with its variant", lambda runs: runs.dataset),
    Column("source", "text", "`synthetic`, `files`, or `published: ` and where", lambda runs: runs.first.source),
    Column("split", "text", "split scheme", lambda runs: runs.first.cell.split),
    Column(
        "track",
        "text",
        "`standard`, `oracle-start` or `extra-data`: the model was trained on other samples",
        lambda runs: runs.first.track,
    ),
    Column(
        "profile",
        "text",
        "size of data and training: `smoke`, `quick` or `paper`",
        lambda runs: runs.first.cell.profile,
    ),
    Column("n_train", "integer", "training samples", lambda runs: runs.first.n_train, title="train", part="count"),
    Column("n_test", "integer", "test samples that the scores are means of", lambda runs: runs.first.n_test),
    Column(
        "seeds",
        "integer",
        "repetitions that are ok",
        lambda runs: len(runs.ok),
        better="high",
        title="seeds",
        part="count",
        shown=EVERYWHERE,
        dropped=5,
    ),
)
AFTER_SCORES = (
    Column(
        "parameters",
        "integer",
        "trained by gradient descent",
        lambda runs: runs.first.complexity.parameters,
        title="params",
        heading="parameters",
        part="cost",
        shown=EVERYWHERE,
        show=show_count,
        dropped=8,
    ),
    Column(
        "parameters_closed_form",
        "integer",
        "solved for in closed form, then frozen",
        lambda runs: runs.first.complexity.parameters_closed_form,
        title="closed form",
        part="cost",
        shown=("table",),
        show=show_count,
        dropped=1,
    ),
    Column(
        "flops",
        "integer",
        "floating-point operations of one sample, forward",
        lambda runs: runs.first.complexity.flops,
        title="FLOPs",
        part="cost",
        shown=EVERYWHERE,
        show=show_count,
        dropped=3,
    ),
    Column(
        "macs",
        "integer",
        "multiply-adds of the same",
        lambda runs: runs.first.complexity.macs,
        title="MACs",
        part="cost",
        show=show_count,
    ),
    Column("flops_kind", "text", "`counted`, `analytic` or `mixed`", lambda runs: runs.first.complexity.flops_kind),
    Column(
        "fit_s",
        "number",
        "time of fit, with those of all members of an ensemble [s]",
        lambda runs: runs.mean(lambda record: record.costs.all_fits_s),
        title="fit",
        part="cost",
        shown=EVERYWHERE,
        show=show_seconds,
        cell=lambda row: _time(row, "fit_s", show_seconds),
        dropped=7,
    ),
    Column(
        "predict_ms_cpu1",
        "number",
        "one sample on one CPU thread, median [ms]",
        lambda runs: runs.mean(lambda record: record.costs.predict_ms_cpu1),
        title="predict",
        unit=lambda _: "ms",
        part="cost",
        shown=EVERYWHERE,
        show=_three_digits,
        cell=lambda row: _time(row, "predict_ms_cpu1", _three_digits),
        dropped=6,
    ),
    Column(
        "throughput_per_s",
        "number",
        "samples a second at the best batch size",
        lambda runs: runs.mean(lambda record: record.costs.throughput_per_s),
        better="high",
        title="samples/s",
        part="cost",
        show=_three_digits,
    ),
    Column(
        "peak_memory_mb",
        "number",
        "largest resident size of the process [MB]",
        lambda runs: runs.mean(lambda record: record.costs.peak_memory_mb),
        title="memory",
        unit=lambda _: "MB",
        part="cost",
        show=lambda value: "" if value is None else f"{value:.0f}",
    ),
    Column(
        "device",
        "text",
        "where it ran",
        lambda runs: runs.first.device or None,
        title="device",
        shown=("table",),
        dropped=2,
    ),
    Column(
        "status",
        "text",
        "`ok` if a repetition is; else why none is; `published` for a printed row",
        lambda runs: runs.status,
        title="status",
        shown=("table",),
        cell=_status,
    ),
    Column("n_failed", "integer", "repetitions that are not ok", lambda runs: len(runs.records) - len(runs.ok)),
    Column("fwibench_version", "text", "version of fwibench that made the run", lambda runs: runs.fwibench_version),
    Column(
        "run_ids",
        "text",
        "names of the runs, separated by blanks; a blank within a name is written `%20`",
        lambda runs: runs.joined_ids,
    ),
    Column(
        "date_utc",
        "text",
        "start of the latest run",
        lambda runs: max(record.started for record in runs.records),
        title="date",
        show=lambda value: plain(value)[:10],
    ),
    Column("unit", "text", "unit of the property", lambda runs: runs.first.unit or None),
    Column(
        "n_groups",
        "integer",
        "groups of test samples that interval and rank are of; empty if every sample is independent of the others",
        title="groups",
        part="count",
    ),
    Column(
        "test_dataset",
        "text",
        "dataset whose test samples the model was applied to, if it is another one than `dataset`, with its variant",
        lambda runs: runs.test_dataset,
    ),
    Column(
        "samples_seen",
        "integer",
        "samples of all batches of the training together; empty without gradient descent",
        lambda runs: _whole(runs.mean(lambda record: record.costs.samples_seen)),
        title="seen",
        heading="samples seen",
        part="cost",
        shown=EVERYWHERE,
        show=show_count,
        dropped=3,
    ),
    Column(
        "budget_s",
        "number",
        "time budget of trainings (`--budget`) [s]; empty without one",
        lambda runs: runs.first.cell.budget,
    ),
    Column(
        "costs_source",
        "text",
        "`measured`, or `stated` by those who made the predictions elsewhere; empty without costs",
        lambda runs: runs.first.costs_source if runs.first.has_costs else None,
    ),
)


def columns_of(registry: Registry) -> Columns:
    """Return the columns of all metrics: the stable ones, then those of further metrics in the registry's order.

    Raises:
        UsageError: No metric ranks methods.
    """
    offers = registry.metrics.values()
    ranking = next((offer.spec for offer in offers if offer.spec.ranks), None)
    if ranking is None:
        raise UsageError("no plugin offers a metric that ranks methods", registry.absent() or "enable plugin builtin")
    stable = [offer.spec for offer in offers if offer.spec.stable and offer.plugin.distribution == OWN]
    further = [offer.spec for offer in offers if offer.spec not in stable]
    taken = {column.key for column in (*BEFORE_SCORES, *AFTER_SCORES)}
    made: dict[str, list[Column]] = {}
    for spec in (*stable, *further):
        made[spec.name] = list(_metric_columns(spec, taken, ranks=spec is ranking))
        taken |= {column.key for column in made[spec.name]}
    before = [column for spec in stable for column in made[spec.name]]
    after = [column for spec in further for column in made[spec.name]]
    return Columns(
        {column.key: column for column in (*BEFORE_SCORES, *before, *AFTER_SCORES, *after)},
        ranking=made[ranking.name][0],
        further=frozenset(made[spec.name][0].key for spec in further if spec is not ranking),
        deterministic=frozenset(name for name, offer in registry.methods.items() if offer.spec.deterministic),
    )


def _metric_columns(spec: MetricSpec, taken: set[str], *, ranks: bool) -> Iterator[Column]:
    """The column of a metric, and those of its interval if it ranks.

    Args:
        spec: Of the metric.
        taken: Names that other columns have.
        ranks: Whether methods are ranked by it.
    """
    key = spec.name.replace("-", "_")
    key = f"{key}_score" if key in taken else key
    units = {"property": ", in the property's unit", "property^2": ", in the property's unit squared"}
    yield Column(
        key,
        "number",
        spec.summary + units.get(spec.unit, f" [{spec.unit}]" if spec.unit else ""),
        lambda runs: runs.mean(lambda record: record.scores.get(spec.name), spec.pooling),
        better=spec.better,
        best=spec.best,
        metric=spec.name,
        pooling=spec.pooling,
        title=spec.label,
        unit=spec.unit_of,
        part="score",
        shown=spec.shown,
        show=show_number,
        # what ranks stays; scores with a unit need more room than pure numbers
        dropped=0 if ranks else 4 if spec.unit else 9,
    )
    if ranks:
        low = f"lower end of the 95 % bootstrap interval of `{key}` over samples and seeds; tables show both ends"
        interval = Column(f"{key}_ci_low", "number", low, title="95 %", heading="95 % interval", part="score")
        yield replace(interval, shown=spec.shown, cell=show_interval)
        yield Column(f"{key}_ci_high", "number", "upper end of it")
