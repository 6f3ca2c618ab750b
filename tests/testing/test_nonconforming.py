from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from fwibench.plugins.registry import Registry
from fwibench.specs.base import Spec
from fwibench.testing.checks import Check, run_checks
from fwibench.testing.datasets import DATASET_CHECKS, DatasetSubject
from fwibench.testing.methods import METHOD_CHECKS, MethodSubject
from fwibench.testing.metrics import METRIC_CHECKS, MetricSubject
from tests.testing.nonconforming import datasets, methods, metrics
from tests.testing.nonconforming.datasets import dataset_spec
from tests.testing.nonconforming.methods import method_spec
from tests.testing.nonconforming.metrics import metric_spec, samples_spec

METHODS = [
    ("options-survive-json", method_spec(options=methods.Required), "options of the defaults: steps: field required"),
    (
        "options-survive-json",
        method_spec(options=methods.Infinite),
        "options of the defaults do not survive a JSON round-trip",
    ),
    ("target-is-a-method", method_spec(methods.NoMethod), "is not a subclass of"),
    ("survives-spawn", method_spec(methods.Dies), "in a spawned process, fit: killed by SIGSEGV"),
    ("survives-spawn", method_spec(methods.RemembersInItsProcess), "KeyError: 'state'"),
    ("predict-before-fit-raises", method_spec(methods.AnyError), "raised AttributeError"),
    ("predict-before-fit-raises", method_spec(methods.AlwaysAnswers), "predict returned maps before fit"),
    ("predictions-fit-the-problem", method_spec(methods.OtherShape), "shape (5, 20, 30), expected (5, 1, 20, 30)"),
    ("predictions-fit-the-problem", method_spec(methods.Complex), "returned complex128, expected real numbers"),
    ("predictions-fit-the-problem", method_spec(methods.Booleans), "returned bool, expected real numbers"),
    ("predictions-fit-the-problem", method_spec(methods.NotFinite), "values that are not finite"),
    ("predictions-fit-the-problem", method_spec(methods.Normalised), "velocity is 1500 to 4500 m/s"),
    ("predictions-fit-the-problem", method_spec(methods.Kilometres), "velocity is 1500 to 4500 m/s"),
    ("predictions-fit-the-problem", method_spec(methods.ReturnsList), "returned list, expected a numpy array"),
    ("samples-are-independent", method_spec(methods.LooksAround), "samples one by one: predictions differ"),
    ("samples-are-independent", method_spec(methods.Counts), "predictions differ by"),
    ("samples-of-predictions-fit", method_spec(methods.SamplesWithoutAxis), "expected (m, 5, 1, 20, 30)"),
    ("samples-of-predictions-fit", method_spec(methods.SamplesLookAround), "samples of single measurements"),
    ("samples-of-predictions-fit", method_spec(methods.SamplesForgetTheirSpread), "the saved and loaded method"),
    ("samples-of-predictions-fit", method_spec(methods.SamplesAreEqual), "all samples are equal"),
    ("samples-of-predictions-fit", method_spec(methods.SamplesInOtherUnits), "velocity is 1500 to 4500 m/s"),
    ("seed-decides", method_spec(methods.SeedsByProcess), "another fit with the same seed: predictions differ"),
    ("seed-decides", method_spec(methods.IgnoresSeed), "another seed gives identical predictions"),
    ("seed-decides", method_spec(deterministic=True), "of a method that is declared deterministic"),
    ("inputs-are-left-alone", method_spec(methods.ChangesMeasurements), "predict changed its measurements"),
    ("inputs-are-left-alone", method_spec(methods.ChangesOptions), "the problem or the options were changed"),
    ("truth-is-not-read", method_spec(methods.WantsTruth), "predictions after reveal(NaN)"),
    ("truth-is-not-read", method_spec(methods.OpensDataset), "predict opened split test of salt"),
    ("model-is-saved-whole", method_spec(methods.ForgetsNoise), "the saved and loaded method: predictions differ"),
    ("stops-when-told", method_spec(methods.NeverStops), "did not return within 1 s after should_stop()"),
    ("stops-when-told", method_spec(methods.StopsWithNothing), "values that are not finite"),
    ("files-stay-in-workdir", method_spec(methods.WritesHere), "wrote <here>/history.csv"),
    ("files-stay-in-workdir", method_spec(methods.WritesHome), "wrote <home>/.wrong"),
    ("global-state-is-left-alone", method_spec(methods.SeedsNumpy), "changed: numpy random state"),
    ("global-state-is-left-alone", method_spec(methods.SetsEnvironment), "changed: environment (OMP_NUM_THREADS)"),
    ("global-state-is-left-alone", method_spec(methods.SetsGradMode), "torch grad mode"),
    ("parameters-are-counted", method_spec(methods.Miscounts), "complexity says 0, its modules hold 8"),
    ("layers-add-up", method_spec(methods.LayersAreShort), "parameters of the layers add up to 3, complexity says 0"),
]

DATASETS = [
    (
        "options-survive-json",
        dataset_spec(options=datasets.RequiredData),
        "options of the defaults: depth: field required",
    ),
    ("target-is-a-dataset", dataset_spec(datasets.no_data), "made dict, expected a Dataset"),
    ("target-is-a-dataset", dataset_spec(datasets.Shrinks), "sizes of smoke, quick, paper are [10, 8, 14]"),
    ("problem-is-as-declared", dataset_spec(measurements="em"), "survey is seismic, the spec declares em"),
    ("splits-are-sound", dataset_spec(datasets.SharesSamples), "splits of random share samples"),
    ("splits-are-sound", dataset_spec(datasets.DealsAnew), "of random is not reproducible"),
    ("splits-are-sound", dataset_spec(datasets.DealsTooMany), "random has samples 0 to 12, the dataset 10 samples"),
    ("samples-depend-on-their-number", dataset_spec(datasets.GoesOn), "differs when it is generated alone"),
    ("prepares-and-verifies", dataset_spec(datasets.NeverReady), "it is not prepared after prepare"),
    ("prepares-and-verifies", dataset_spec(datasets.FindsFault), "verify finds: something is wrong"),
    (
        "samples-fit-the-problem",
        dataset_spec(datasets.HoldsNan),
        "train hold values that are not finite",
    ),
    ("properties-are-within-bounds", dataset_spec(datasets.BeyondBounds), "expected 1500 to 4500"),
    ("measurements-agree-with-physics", dataset_spec(datasets.NotSimulated), "in relative L2, expected 0.001 or less"),
    ("preparing-twice-is-the-same", dataset_spec(datasets.Unseeded), "differ in a second folder"),
    ("damage-is-found", dataset_spec(datasets.SeesNoDamage), "verify does not find a changed bit"),
]

METRICS = [
    ("scores-are-one-a-sample", metric_spec(metrics.one_number), "scores have shape (), expected (5,)"),
    (
        "scores-are-one-a-sample",
        metric_spec(metrics.relative_to_batch),
        "a sample that is scored alone has another score",
    ),
    ("nothing-beats-the-truth", metric_spec(metrics.constant), "another map scores as well as the true map"),
    ("nothing-beats-the-truth", metric_spec(better="high"), "high is better"),
    ("nothing-beats-the-truth", samples_spec(metrics.ignores_spread), "low is better"),
    ("nothing-beats-the-truth", samples_spec(better="near", best=1e4), "near 10000 is better"),
    ("maps-are-left-alone", metric_spec(metrics.in_place), "the metric changed its inputs"),
]


def named(cases: Iterable[tuple[str, Spec, str]]) -> list[Any]:
    return [pytest.param(*case, id=f"{case[0]}-{case[1].name}") for case in cases]


def failure(checks: Iterable[Check[Any]], name: str, subject: Any) -> str:
    (check,) = (check for check in checks if check.name == name)
    (result,) = run_checks("x", subject, [check], {})
    assert result.status == "failed"
    assert "Traceback" in result.traceback
    return result.reason


@pytest.mark.parametrize(("check", "spec", "reason"), named(METHODS))
def test_nonconforming_method_fails_its_check(registry: Registry, check: str, spec: Any, reason: str) -> None:
    assert reason in failure(METHOD_CHECKS, check, MethodSubject(spec, registry, grace=1.0))


@pytest.mark.parametrize(("check", "spec", "reason"), named(DATASETS))
def test_nonconforming_dataset_fails_its_check(check: str, spec: Any, reason: str) -> None:
    assert reason in failure(DATASET_CHECKS, check, DatasetSubject(spec))


@pytest.mark.parametrize(("check", "spec", "reason"), named(METRICS))
def test_nonconforming_metric_fails_its_check(check: str, spec: Any, reason: str) -> None:
    assert reason in failure(METRIC_CHECKS, check, MetricSubject(spec))


def test_entry_module_that_imports_torch_fails_its_check(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "heavy_entry.py").write_text("def fwibench_methods():\n    import torch\n    return []\n")
    monkeypatch.syspath_prepend(tmp_path)
    subject = MethodSubject(method_spec(), registry, entry="heavy_entry")
    reason = failure(METHOD_CHECKS, "entry-module-is-light", subject)
    assert "calling the hooks of heavy_entry imports torch" in reason


def test_every_check_has_a_nonconforming_subject() -> None:
    tables = ((METHOD_CHECKS, METHODS), (DATASET_CHECKS, DATASETS), (METRIC_CHECKS, METRICS))
    for checks, cases in tables:
        caught = {name for name, *_ in cases} | {"entry-module-is-light"}
        assert caught == {check.name for check in checks}


def test_method_that_kills_its_process_is_not_fitted_in_the_parent(registry: Registry) -> None:
    subject = MethodSubject(method_spec(methods.Dies), registry)
    for check in ("predictions-fit-the-problem", "inputs-are-left-alone", "files-stay-in-workdir"):
        assert "killed by SIGSEGV" in failure(METHOD_CHECKS, check, subject)
