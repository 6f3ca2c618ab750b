"""Every built-in method, dataset and metric passes the conformance kit."""

from typing import Any

import pytest

from fwibench.plugins.registry import Registry, load_registry
from fwibench.testing import check_dataset, check_metric, parametrize_with_checks
from fwibench.testing.checks import as_checks
from fwibench.testing.datasets import (
    DATASET_CHECKS,
    DatasetSubject,
    options_survive_json,
    problem_is_as_declared,
    splits_are_sound,
    target_is_a_dataset,
)
from fwibench.testing.methods import METHOD_CHECKS, target_is_a_method
from fwibench.testing.runner import open_subject
from fwibench.testing.specs import entry_module_is_light

REGISTRY = load_registry()
NEEDS_A_FILE = "pretrained"
"""Method whose options must name a model file; building it returns a method of the file, which is checked here."""
METHODS = sorted(
    name for name, offer in REGISTRY.methods.items() if offer.plugin.distribution == "fwibench" and name != NEEDS_A_FILE
)
DATASETS = sorted(name for name, offer in REGISTRY.datasets.items() if offer.plugin.distribution == "fwibench")
METRICS = sorted(name for name, offer in REGISTRY.metrics.items() if offer.plugin.distribution == "fwibench")

WITHOUT_SAMPLES = as_checks(
    entry_module_is_light, options_survive_json, target_is_a_dataset, problem_is_as_declared, splits_are_sound
)
"""Checks of a dataset that make no sample."""
WITHOUT_FIT = as_checks(entry_module_is_light, options_survive_json, target_is_a_method)
"""Checks of a method that fit nothing."""
SLOW_TO_FIT = {"inversionnet", "velocitygan", "multiscale-fwi", "multiscale-fwi-oracle", "residual", "auto-linear"}
"""Methods whose checks take 15 s or more: large or several networks, and simulations of each sample.

The same checks run on smaller networks, and on `refine`, which inverts in the same way.
"""
SIMULATED_EVERY_TIME = {"salt"}
"""Datasets whose smoke samples, made twice, take seconds; the others take from 4 s to half a minute each."""


def test_registry_contains_the_built_ins() -> None:
    assert {"invlint", "inversionnet", "refine", "multiscale-fwi-oracle"} <= set(METHODS)
    assert {"salt", "kimberlina-reservoir", "style-b"} <= set(DATASETS)
    assert {"ssim", "data-misfit"} <= set(METRICS)


@parametrize_with_checks(sorted(set(METHODS) - SLOW_TO_FIT))
def test_built_in_method_conforms(check: Any) -> None:
    check()


@pytest.mark.parametrize("name", sorted(SLOW_TO_FIT))
def test_built_in_method_conforms_without_fit(registry: Registry, name: str) -> None:
    _, subject = open_subject(name, registry)
    for check in WITHOUT_FIT:
        check.run(subject)
    assert set(WITHOUT_FIT) < set(METHOD_CHECKS)


@pytest.mark.slow
@parametrize_with_checks(sorted(SLOW_TO_FIT))
def test_built_in_method_that_is_slow_to_fit_conforms(check: Any) -> None:
    check()


@parametrize_with_checks(sorted(SIMULATED_EVERY_TIME))
def test_built_in_dataset_conforms(check: Any) -> None:
    check()


@pytest.mark.parametrize("name", sorted(set(DATASETS) - SIMULATED_EVERY_TIME))
def test_built_in_dataset_conforms_without_samples(registry: Registry, name: str) -> None:
    subject = DatasetSubject(registry.dataset(name).spec, entry="fwibench.plugins.builtin")
    for check in WITHOUT_SAMPLES:
        check.run(subject)
    assert set(WITHOUT_SAMPLES) < set(DATASET_CHECKS)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(DATASETS) - SIMULATED_EVERY_TIME))
def test_built_in_dataset_conforms_with_samples(name: str) -> None:
    assert all(result.ok for result in check_dataset(name))


@pytest.mark.parametrize("name", METRICS)
def test_built_in_metric_conforms(name: str) -> None:
    assert all(result.status == "passed" for result in check_metric(name))
