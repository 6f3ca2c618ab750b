"""`info METHOD --dataset NAME` as people read it."""

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
    """The layers, then the method's costs beside the published ones, then what is to be said of those."""
    measured, sought = (" x ".join(map(str, shape)) for shape in (found.measurement_shape, found.property_shape))
    _say(f"{found.method} on {found.dataset}, profile {found.profile}: {measured} measured, {sought} sought")
    if found.layers:
        print_table("layers", LAYERS, [_layer(layer) for layer in found.layers], LAYERS[2:], optional=("type",))
    header = ("one sample", found.method, *(f"published: {entry.source}" for entry in found.published))
    if rows := [row for row in _costs(found) if any(row[1:])]:
        print_table("costs", header, rows, right=header[1:])
    if found.complexity is None:
        _say("parameters, MACs and FLOPs: known after fit; fwibench run, then fwibench show")
    if found.published:
        _say("published: as printed, for the publication's own data and the method's default options")
    for entry in found.published:
        if entry.note:
            _say(f"note on {entry.source}: {entry.note}")


def _layer(layer: Layer) -> list[str]:
    macs = "" if layer.macs is None else f"{layer.macs / 1e6:,.3f}" if layer.macs else "0"
    return [layer.name, layer.kind, " x ".join(map(str, layer.shape)), _whole(layer.parameters), macs]


def _costs(found: Inspection) -> list[list[str]]:
    """Rows of the table of costs; the second column is ours, the others are the publications'."""
    ours = found.complexity or Complexity()

    def row(name: str, own: str, show: Callable[[Any], str] = str, field: str = "") -> list[str]:
        return [name, own, *(show(getattr(entry, field)) if field else "" for entry in found.published)]

    kind = f" ({ours.flops_kind})" if ours.flops is not None and ours.flops_kind else ""
    return [
        row("parameters, trained", _whole(ours.parameters), show_count, "parameters"),
        row("parameters, closed form", _whole(ours.parameters_closed_form)),
        row("parameters, fixed", _whole(ours.parameters_fixed)),
        row("MACs", show_count(ours.macs)),
        row("FLOPs" + kind, show_count(ours.flops), show_count, "flops"),
        row("not counted", ", ".join(ours.uncounted)),
        row(f"MAE [{found.unit}]", "", _score, "mae"),
        row("MSE", "", _score, "mse"),
        row("SSIM", "", _score, "ssim"),
    ]


def print_published(entries: tuple[Published, ...]) -> None:
    """What publications print of a method, on all datasets."""
    numbers = ("MAE", "MSE", "SSIM", "parameters", "FLOPs")
    rows = [
        [
            entry.dataset,
            *(_score(value) for value in (entry.mae, entry.mse, entry.ssim)),
            *(show_count(value) for value in (entry.parameters, entry.flops)),
            entry.source,
        ]
        for entry in entries
    ]
    print_table("published", ("dataset", *numbers, "source"), rows, right=numbers)


def _whole(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _score(value: float | None) -> str:
    # every digit that is printed
    return "" if value is None else str(value)


def _say(text: str) -> None:
    # a terminal wraps between words, a pipe gets whole lines
    console().print(text, markup=False, soft_wrap=not console().is_terminal)
