"""Defaults of built-in methods and datasets change with their version only, since result keys leave defaults out."""

import copy

import pytest

from fwibench.plugins.registry import Registry
from tests.specs.recorded_defaults import (
    COMMAND,
    Defaults,
    current_defaults,
    forbidden_changes,
    read_recorded,
    unrecorded,
)


def test_no_default_changes_within_a_version(registry: Registry) -> None:
    changes = list(forbidden_changes(read_recorded(), current_defaults(registry)))
    assert not changes, (
        "defaults changed within a version, so finished results would be taken for those of the new defaults. "
        f"Raise the version of the spec, then run `{COMMAND}`:\n" + "\n".join(changes)
    )


def test_every_version_and_option_is_recorded(registry: Registry) -> None:
    missing = list(unrecorded(read_recorded(), current_defaults(registry)))
    assert not missing, f"not recorded yet, run `{COMMAND}`:\n" + "\n".join(missing)


@pytest.fixture
def recorded() -> Defaults:
    return {"a": {"1": {"defaults": {"depth": 3, "rate": 0.1}, "profile quick": {"depth": 2}}}}


@pytest.fixture
def current(recorded: Defaults) -> Defaults:
    return copy.deepcopy(recorded)


def test_equal_defaults_pass(recorded: Defaults, current: Defaults) -> None:
    assert not list(forbidden_changes(recorded, current))
    assert not list(unrecorded(recorded, current))


def test_a_changed_default_is_forbidden(recorded: Defaults, current: Defaults) -> None:
    current["a"]["1"]["defaults"]["depth"] = 4
    assert list(forbidden_changes(recorded, current)) == ["a 1: depth (defaults) was 3, is 4"]


def test_a_removed_option_is_forbidden(recorded: Defaults, current: Defaults) -> None:
    del current["a"]["1"]["defaults"]["rate"]
    assert list(forbidden_changes(recorded, current)) == ["a 1: rate (defaults) was 0.1, is missing"]


@pytest.mark.parametrize(
    ("values", "change"),
    [
        ({"depth": 5}, "a 1: depth (profile quick) was 2, is 5"),
        ({}, "a 1: depth (profile quick) was 2, is missing"),
        ({"depth": 2, "rate": 0.5}, "a 1: rate (profile quick) was not set, is 0.5"),
    ],
)
def test_a_changed_profile_is_forbidden(
    values: dict[str, float], change: str, recorded: Defaults, current: Defaults
) -> None:
    current["a"]["1"]["profile quick"] = values
    assert list(forbidden_changes(recorded, current)) == [change]


def test_a_new_option_is_allowed_and_must_be_recorded(recorded: Defaults, current: Defaults) -> None:
    current["a"]["1"]["defaults"]["width"] = 8
    assert not list(forbidden_changes(recorded, current))
    assert list(unrecorded(recorded, current)) == ["a 1: width"]


def test_a_new_version_may_change_defaults_and_must_be_recorded(recorded: Defaults, current: Defaults) -> None:
    current["a"] = {"2": {"defaults": {"depth": 9}}}
    assert not list(forbidden_changes(recorded, current))
    assert list(unrecorded(recorded, current)) == ["a 2"]
