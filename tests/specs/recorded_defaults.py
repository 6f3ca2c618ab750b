"""Recorded defaults of the built-in methods and datasets, by name and version.

The key of a result holds the options that differ from the defaults of the method's version, so a default must not
change within a version. `python -m tests.specs.recorded_defaults` records new versions and new options.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fwibench.datasets.user.description import read_descriptions
from fwibench.plugins.plugin import OWN
from fwibench.plugins.registry import Registry, load_registry
from fwibench.specs.dataset import DatasetSpec
from fwibench.specs.method import MethodSpec

PATH = Path(__file__).with_suffix(".json")
COMMAND = "python -m tests.specs.recorded_defaults"

Entry = dict[str, dict[str, Any]]
"""Values by option, in sections: `defaults`, and `profile NAME` for each profile."""
Defaults = dict[str, dict[str, Entry]]
"""Entries by name, then by version."""


def read_recorded() -> Defaults:
    """Return the recorded defaults."""
    recorded: Defaults = json.loads(PATH.read_text())
    return recorded


def current_defaults(registry: Registry) -> Defaults:
    """Return the defaults that the built-in methods and datasets declare; datasets that a user added are left out."""
    added = {description.name for description in read_descriptions()[0]}
    offers = (*registry.methods.values(), *registry.datasets.values())
    return {
        offer.spec.name: {offer.spec.version: entry_of(offer.spec)}
        for offer in offers
        if offer.plugin.distribution == OWN and offer.spec.name not in added
    }


def entry_of(spec: MethodSpec | DatasetSpec) -> Entry:
    """Return the defaults and the values of each profile as plain data."""
    entry = {"defaults": spec.options().model_dump(mode="json")}
    for profile, values in (spec.profiles if isinstance(spec, MethodSpec) else {}).items():
        validated = spec.options.model_validate(values).model_dump(mode="json")
        entry[f"profile {profile}"] = {option: validated[option] for option in values}
    return entry


def forbidden_changes(recorded: Defaults, current: Defaults) -> Iterator[str]:
    """Yield each change of a recorded value within a version."""
    for name, version, old, new in _common(recorded, current):
        for section, values in old.items():
            found = new.get(section, {})
            for option, value in values.items():
                now = json.dumps(found[option]) if option in found else "missing"
                if now != json.dumps(value):
                    yield f"{name} {version}: {option} ({section}) was {json.dumps(value)}, is {now}"
            if section != "defaults":
                for option in found.keys() - values:
                    yield f"{name} {version}: {option} ({section}) was not set, is {json.dumps(found[option])}"


def unrecorded(recorded: Defaults, current: Defaults) -> Iterator[str]:
    """Yield each version, profile and option that is not recorded yet."""
    for name, versions in current.items():
        for version, entry in versions.items():
            known = recorded.get(name, {}).get(version)
            if known is None:
                yield f"{name} {version}"
                continue
            yield from (f"{name} {version}: {section}" for section in entry.keys() - known)
            yield from (f"{name} {version}: {option}" for option in entry["defaults"].keys() - known["defaults"])


def _common(recorded: Defaults, current: Defaults) -> Iterator[tuple[str, str, Entry, Entry]]:
    for name, versions in current.items():
        for version, entry in versions.items():
            if version in recorded.get(name, {}):
                yield name, version, recorded[name][version], entry


def main() -> None:
    """Add to the file what is not recorded yet; exit with the list of forbidden changes if there are any."""
    recorded = read_recorded() if PATH.exists() else {}
    current = current_defaults(load_registry())
    if changes := list(forbidden_changes(recorded, current)):
        raise SystemExit("\n".join(["not recorded, because these need a new version of their spec:", *changes]))
    for name, versions in current.items():
        recorded.setdefault(name, {}).update(versions)
    PATH.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
