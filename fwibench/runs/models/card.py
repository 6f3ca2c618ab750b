"""The card of a model file: what the model is, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from fwibench.problem import Problem
from fwibench.runs.artefacts.record import Record
from fwibench.specs.method import MethodSpec
from fwibench.text.readable import format_options, show_count, show_number, show_seconds


def make_card(record: Record, problem: Problem, spec: MethodSpec) -> str:
    """Return the card of a model.

    Args:
        record: Record of the run that fitted it.
        problem: Problem that the method is built for.
        spec: Spec of the method.
    """
    cell = record.cell
    lines = [f"# {cell.method} on {cell.fitted_on.variant}", "", f"{spec.summary[:1].upper()}{spec.summary[1:]}.", ""]
    lines += [f"- **{name}**: {value}" for name, value in _facts(record, problem, spec) if value]
    if scores := {name: value for name, value in record.scores.items() if value is not None}:
        lines += ["", f"## Scores of {record.n_test} test samples", "", "| metric | value |", "|---|---|"]
        lines += [f"| {name} | {show_number(value, 5)} |" for name, value in scores.items()]
        lines += ["", f"Errors are in {problem.property.unit}."]
    if record.notes:
        lines += ["", "## Notes", "", *(f"- {note}" for note in record.notes)]
    lines += ["", "## Use", "", "```console", "$ fwibench predict MODEL.fwib shots.npy -o maps.npy", "```", ""]
    return "\n".join(lines)


def _facts(record: Record, problem: Problem, spec: MethodSpec) -> Iterator[tuple[str, str]]:
    cell, bounds = record.cell, problem.property
    yield "method", f"{cell.method}, version {cell.method_version}, {record.kind} method of {record.plugin}"
    yield "reference", spec.reference
    yield "builds on", cell.base
    yield "options", format_options(record.chosen)
    yield "training data", f"{cell.fitted_on.variant} ({record.source}), split {cell.split}, profile {cell.profile}"
    yield "train samples", "" if record.n_train is None else str(record.n_train)
    yield "time of the fit", show_seconds(record.costs.fit_s)
    yield "parameters", show_count(record.complexity.parameters)
    yield "closed-form parameters", show_count(record.complexity.parameters_closed_form)
    yield "measurements", f"{' x '.join(map(str, problem.measurement_shape))} (sources, samples, receivers)"
    yield (
        "maps",
        (
            f"{' x '.join(map(str, problem.grid.shape))} nodes at {problem.grid.spacing:g} m, {bounds.name} from "
            f"{bounds.low:g} to {bounds.high:g} {bounds.unit}"
        ),
    )
    yield "run", record.run_id
    yield "date", record.started
