"""A page for each built-in method, from its spec and from the recorded leaderboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fwibench_docs import markdown
from fwibench_docs.code import MethodSpec, Published, built_in
from fwibench_docs.results import recorded_table

KINDS = {
    "learned": "Learned",
    "closed-form": "Closed form",
    "iterative": "Iterative",
    "hybrid": "Hybrid",
    "baseline": "Baselines",
}
PROFILES = ("quick", "smoke")
ABOUT = Path(__file__).parents[2] / "methods" / "about"
"""A text for each method: how it works, when to use it, what to expect."""


def method_pages() -> dict[str, str]:
    """Return the card of each method, by name."""
    return {name: card(offer.spec) for name, offer in built_in().methods.items()}


def methods_table() -> str:
    """Return a table of all methods, with links to their cards."""
    specs = sorted((offer.spec for offer in built_in().methods.values()), key=lambda spec: list(KINDS).index(spec.kind))
    rows = [
        (f"[{spec.name}](cards/{spec.name}.md)", spec.kind, spec.summary, ", ".join(spec.devices)) for spec in specs
    ]
    return markdown.table(("method", "kind", "what it does", "devices"), rows)


def description(name: str) -> str:
    """Return what `docs/methods/about` says of a method; empty if it says nothing."""
    path = ABOUT / f"{name}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def card(spec: MethodSpec) -> str:
    """Return the card of one method."""
    sections = [
        f"{spec.summary[:1].upper()}{spec.summary[1:]}.",
        description(spec.name),
        f"```console\n$ fwibench run --methods {spec.name} --dataset salt\n$ fwibench info {spec.name}\n```",
        "## What it declares",
        markdown.facts(_declared(spec)),
    ]
    for heading, text in (
        ("Options", _options(spec)),
        ("Published results", _published(spec.published)),
        ("Results here", recorded_table("method", spec.name, "dataset")),
    ):
        sections += [f"## {heading}", text] if text else []
    return markdown.page(spec.name, *sections)


def _declared(spec: MethodSpec) -> Iterator[tuple[str, str]]:
    yield "kind", spec.kind
    yield "track", spec.track
    yield "reference", spec.reference
    yield "version of the results", spec.version
    yield "measurements", ", ".join(spec.measurements)
    yield "simulates with", ", ".join(f"{one} physics" for one in spec.physics)
    yield "devices", ", ".join(spec.devices)
    yield "training samples", f"at least {spec.min_train}" if spec.needs_fit else "none"
    for option, values in spec.needs_fit_for.items():
        yield "trains only with", ", ".join(f"`{option}={value}`" for value in values)
    yield "builds on", f"the method that the option `{spec.builds_on}` names" if spec.builds_on else ""
    yield "start of an inversion", f"option `{spec.start_option}`" if spec.start_option else ""
    yield "deterministic", "yes: the random seed has no effect" if spec.deterministic else "no"


def _options(spec: MethodSpec) -> str:
    rows = []
    for name, field in spec.options.model_fields.items():
        default = "required" if field.is_required() else markdown.code(field.get_default(call_default_factory=True))
        changed = [markdown.code(options[name]) if name in options else "" for options in _profiles(spec)]
        rows.append((markdown.code(name), default, *changed, field.description or ""))
    if not rows:
        return ""
    # a column for each profile that changes something
    keep = [True, True, *(any(row[2 + number] for row in rows) for number in range(len(PROFILES))), True]
    header = ("option", "default", *(f"`--profile {profile}`" for profile in PROFILES), "meaning")

    def kept(cells: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(cell for cell, wanted in zip(cells, keep, strict=True) if wanted)

    return markdown.table(kept(header), map(kept, rows))


def _profiles(spec: MethodSpec) -> list[dict[str, object]]:
    named: dict[str, dict[str, object]] = {str(profile): options for profile, options in spec.profiles.items()}
    return [named.get(profile, {}) for profile in PROFILES]


def _published(entries: tuple[Published, ...]) -> str:
    if not entries:
        return ""
    header = ("dataset", "MAE", "MSE", "SSIM", "parameters", "MACs", "FLOPs", "source")
    rows = [
        (
            entry.dataset,
            *("" if value is None else f"{value:g}" for value in (entry.mae, entry.mse, entry.ssim)),
            *("" if value is None else f"{value:,}" for value in (entry.parameters, entry.macs, entry.flops)),
            entry.source,
        )
        for entry in entries
    ]
    notes = [f"- **{entry.dataset}, {entry.source}.** {entry.note}" for entry in entries if entry.note]
    text = "As printed, for the publication's own data. They are not comparable with results on synthetic twins.\n\n"
    return text + markdown.table(header, rows, align_right=(1, 2, 3, 4, 5, 6)) + "\n" + "\n".join(notes)
