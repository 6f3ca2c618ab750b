"""Tables of the layers and costs of a method, beside published values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fwibench.cli.console.output import console, print_table
from fwibench.methods.complexity import Complexity, Layer
from fwibench.specs.method import Published
from fwibench.text.readable import show_count

if TYPE_CHECKING:
    from fwibench.runs.planning.inspection import Inspection

LAYERS = ("layer", "type", "output", "parameters", "MACs [M]")


def print_inspection(found: Inspection) -> None:
    """Print the layers of a method, its costs beside the published ones, and notes on those."""
    measured, sought = (" x ".join(map(str, shape)) for shape in (found.measurement_shape, found.property_shape))
    _say(f"{found.method} on {found.dataset}, profile {found.profile}: measurements {measured}, property {sought}")
    if found.layers:
        print_table("layers", LAYERS, [_layer(layer) for layer in found.layers], LAYERS[2:], optional=("type",))
    header = ("one sample", found.method, *(f"published: {entry.source}" for entry in found.published))
    if rows := [row for row in _costs(found) if any(row[1:])]:
        print_table("costs", header, rows, right=header[1:])
    if found.complexity is None:
        _say("parameters, MACs and FLOPs are known after fit: fwibench run, then fwibench show")
    if found.published:
        _say("published values are as printed: for the data of the publication and the default options of the method")
    for entry in found.published:
        if entry.note:
            _say(f"note on {entry.source}: {entry.note}")


def _layer(layer: Layer) -> list[str]:
    macs = "" if layer.macs is None else f"{layer.macs / 1e6:,.3f}" if layer.macs else "0"
    return [layer.name, layer.kind, " x ".join(map(str, layer.shape)), _whole(layer.parameters), macs]


def _costs(found: Inspection) -> list[list[str]]:
    """Return the rows of costs: name, value computed here, and the value of each publication."""
    ours = found.complexity or Complexity()

    def row(name: str, own: str, show: Callable[[Any], str] = str, field: str = "") -> list[str]:
        return [name, own, *(show(getattr(entry, field)) if field else "" for entry in found.published)]

    kind = f" ({ours.flops_kind})" if ours.flops is not None and ours.flops_kind else ""
    return [
        row("parameters, trained", _whole(ours.parameters), show_count, "parameters"),
        row("parameters, closed form", _whole(ours.parameters_closed_form)),
        row("parameters, fixed", _whole(ours.parameters_fixed)),
        row("MACs", show_count(ours.macs), show_count, "macs"),
        row("FLOPs" + kind, show_count(ours.flops), show_count, "flops"),
        row("not counted", ", ".join(ours.uncounted)),
        row(f"MAE [{found.unit}]", "", _score, "mae"),
        row("MSE", "", _score, "mse"),
        row("SSIM", "", _score, "ssim"),
    ]


def print_published(entries: tuple[Published, ...]) -> None:
    """Print the published values of a method on all datasets."""
    scores, counts = {"MAE": "mae", "MSE": "mse", "SSIM": "ssim"}, {"parameters": "parameters", "MACs": "macs"}
    if any(entry.flops is not None for entry in entries):
        counts["FLOPs"] = "flops"
    rows = [
        [
            entry.dataset,
            *(_score(getattr(entry, field)) for field in scores.values()),
            *(show_count(getattr(entry, field)) for field in counts.values()),
            entry.source,
        ]
        for entry in entries
    ]
    numbers = (*scores, *counts)
    print_table("published", ("dataset", *numbers, "source"), rows, right=numbers)


def _whole(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _score(value: float | None) -> str:
    # all digits of the publication
    return "" if value is None else str(value)


def _say(text: str) -> None:
    # a terminal wraps between words, a pipe receives whole lines
    console().print(text, markup=False, soft_wrap=not console().is_terminal)
