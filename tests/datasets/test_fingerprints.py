"""Fingerprints under which results were published: samples that did not change keep theirs."""

import pytest

from fwibench.datasets.openfwi.dataset import open_family
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset

QUICK = {
    "salt": "ce89de031fd03f0c",
    "marmousi": "ed14a53a5eb037df",
    "kimberlina-leakage": "d80ec4142c4727d7",
    "kimberlina-reservoir": "993ec3fb3953cee4",
    "flatvel-a": "df947e93026a0031",
    "flatvel-b": "f5b533ca2e2121af",
    "curvevel-a": "3dd268f84aaa6c3c",
    "curvevel-b": "2deccc3b8c4fc093",
    "curvefault-a": "b4f00abb307b6716",
    "curvefault-b": "25d4da79939913b4",
    "style-a": "4c9494096cf729ca",
    "style-b": "285ee71e9feb9236",
    "openfwi": "89c6f14a2d86ff34",
}
BEFORE_SMOOTH_EDGES = {"flatfault-a": "6cbaf6c91d70f350", "flatfault-b": "3f0f0a4879966b94"}


@pytest.mark.parametrize("name", QUICK)
def test_unchanged_samples_keep_fingerprint(registry: Registry, name: str) -> None:
    assert open_dataset(registry, name, "quick").fingerprint[:16] == QUICK[name]


@pytest.mark.parametrize("name", BEFORE_SMOOTH_EDGES)
def test_changed_samples_have_another_fingerprint(registry: Registry, name: str) -> None:
    assert open_dataset(registry, name, "quick").fingerprint[:16] != BEFORE_SMOOTH_EDGES[name]


def test_new_version_of_twin_keeps_version_of_original_files(registry: Registry) -> None:
    spec = registry.dataset("flatfault-a").spec
    assert spec.version == "2"
    options = spec.options.model_validate({"path": "FlatFault_A"})
    assert open_family(spec, options, "quick").spec.version == "1"
