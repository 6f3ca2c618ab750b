import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from fwibench.errors import UnknownNameError
from fwibench.testing import NonconformityError, check_dataset, check_method, check_metric, tiny_data
from fwibench.testing.checks import NotApplicableError, Result, as_checks, require, run_checks
from fwibench.testing.specs import import_environment
from tests.conftest import Command
from tests.testing.nonconforming.datasets import dataset_spec
from tests.testing.nonconforming.methods import Kilometres, method_spec
from tests.testing.nonconforming.metrics import metric_spec


def fails(subject: object) -> None:
    """Always fails."""
    require(subject is None, "no good", "try another")


def ends_the_process(subject: object) -> None:
    """Exits."""
    sys.exit(3)


def passes(subject: object) -> None:
    """Always passes.

    And says more.
    """


def has_nothing_to_do(subject: object) -> None:
    """Does not apply."""
    raise NotApplicableError("nothing to see")


CHECKS = as_checks(fails, ends_the_process, passes, has_nothing_to_do)


def outcomes(**expected: str) -> dict[str, Result]:
    reasons = {name.replace("_", "-"): reason for name, reason in expected.items()}
    return {result.check: result for result in run_checks("x", object(), CHECKS, reasons)}


def test_every_check_has_a_result() -> None:
    found = outcomes()
    assert {name: (result.status, result.reason) for name, result in found.items()} == {
        "fails": ("failed", "no good (try another)"),
        "ends-the-process": ("failed", "SystemExit: 3"),
        "passes": ("passed", ""),
        "has-nothing-to-do": ("skipped", "nothing to see"),
    }
    assert [result.ok for result in found.values()] == [False, False, True, True]
    assert CHECKS[2].summary == "Always passes."


def test_declared_failure_must_occur() -> None:
    found = outcomes(fails="known since 2020", passes="thought so", has_nothing_to_do="who knows")
    assert (found["fails"].status, found["fails"].reason, found["fails"].ok) == (
        "expected failure",
        "known since 2020",
        True,
    )
    assert (found["passes"].status, found["passes"].ok) == ("unexpected pass", False)
    assert "thought so" in found["passes"].reason
    assert found["has-nothing-to-do"].status == "skipped"


def test_declared_check_must_exist() -> None:
    with pytest.raises(UnknownNameError, match="no check named 'pases'") as unknown:
        outcomes(pases="a typing error")
    assert "passes" in unknown.value.hint


def test_check_method_returns_results_or_raises_with_the_failures() -> None:
    results = check_method(method_spec())
    assert {result.status for result in results} == {"passed", "skipped"}
    with pytest.raises(NonconformityError, match="x-kilometres fails 1 of 17 checks") as broken:
        check_method(method_spec(Kilometres))
    assert "predictions-fit-the-problem: failed: predictions are " in broken.value.message
    reasons = {"predictions-fit-the-problem": "kilometres are the point"}
    assert all(result.ok for result in check_method(method_spec(Kilometres), expected_failures=reasons))
    declared = method_spec(Kilometres, expected_failures=reasons)
    assert all(result.ok for result in check_method(declared))
    with pytest.raises(NonconformityError, match="model-is-saved-whole: unexpected pass"):
        check_method(method_spec(), expected_failures={"model-is-saved-whole": "not so"})


def test_check_dataset_and_check_metric_accept_conforming_subjects() -> None:
    assert all(result.ok for result in check_dataset(dataset_spec()))
    assert all(result.ok for result in check_metric(metric_spec()))
    with pytest.raises(UnknownNameError, match="no metric named 'salt'"):
        check_metric("salt")


def test_tiny_data_are_reproducible_and_cannot_be_changed() -> None:
    one, other = tiny_data("em"), tiny_data("em")
    before = one.train.measurements[:]
    one.train.measurements[:][:] = 0
    one.train.measurements[0][:] = 0
    assert np.array_equal(one.train.measurements[:], before)
    assert np.array_equal(other.train.measurements[:], before)
    assert before.shape == (12, 2, 6, 10)
    scaled = one.problem.amplitude.normalise(before, np)
    assert 0.3 < np.abs(scaled).max() < 3, "measurements are as large as the problem says"
    assert one.train.spread(3).measurements.shape == (3, 2, 6, 10)


def test_parametrize_with_checks_makes_pytest_tests(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        textwrap.dedent(
            """
            from fwibench.testing import parametrize_with_checks
            from tests.testing.nonconforming.datasets import BeyondBounds, dataset_spec

            REASONS = {"x-beyondbounds": {
                "properties-are-within-bounds": "the bounds are older than the maps",
                "measurements-agree-with-physics": "skipped all the same",
                "splits-are-sound": "they are",
            }}

            @parametrize_with_checks([dataset_spec(BeyondBounds), "mae"], expected_failures=REASONS)
            def test_conformance(check):
                check()
            """
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-q", str(tmp_path)],
        capture_output=True,
        text=True,
        env=import_environment(),
        cwd=tmp_path,
        check=False,
    )
    assert "PASSED test_mine.py::test_conformance[mae-maps-are-left-alone]" in done.stdout
    assert "XFAIL test_mine.py::test_conformance[x-beyondbounds-properties-are-within-bounds] - the" in done.stdout
    assert "FAILED test_mine.py::test_conformance[x-beyondbounds-splits-are-sound]" in done.stdout
    assert "1 failed, 12 passed, 2 skipped, 1 xfailed" in done.stdout


@pytest.mark.slow
def test_plugins_check_prints_a_table(fwibench: Command) -> None:
    done = fwibench("plugins", "check", "nearest-neighbour[features=20]")
    assert done.returncode == 0, done.stderr
    assert "nearest-neighbour: 14 passed, 3 skipped" in done.stdout
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert lines["survives-spawn"].split()[1] == "passed"
    assert lines["layers-add-up"].endswith("it reports no layers")


PLUGIN = """
    import numpy as np

    from fwibench import MetricSpec, hookimpl

    def worst(prediction, truth, problem):
        return np.abs(prediction - truth).max()

    def best(prediction, truth, problem):
        print("to standard output")
        return np.abs(prediction - truth).min(axis=(1, 2, 3))

    @hookimpl
    def fwibench_metrics():
        return [
            MetricSpec(name="worst", summary="largest error", target="mine:worst", better="low"),
            MetricSpec(
                name="best",
                summary="smallest error",
                target="mine:best",
                better="high",
                expected_failures={"nothing-beats-the-truth": "errors are high where maps are bad"},
            ),
        ]
"""


def test_plugins_check_covers_all_offers_of_a_plugin(fwibench: Command, tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "mine.py").write_text(textwrap.dedent(PLUGIN))
    done = fwibench("--plugins-dir", folder, "plugins", "check", "mine", "--json")
    assert done.returncode == 1, done.stderr
    results = {(row["subject"], row["check"]): row for row in json.loads(done.stdout)}
    assert len(results) == 8
    assert results["worst", "scores-are-one-a-sample"]["reason"] == "scores have shape (), expected (5,)"
    assert results["best", "nothing-beats-the-truth"]["status"] == "expected failure"
    assert results["worst", "entry-module-is-light"]["ok"]
    assert fwibench("--plugins-dir", folder, "plugins", "check", "best").returncode == 0


def test_plugins_check_suggests_names(fwibench: Command) -> None:
    done = fwibench("plugins", "check", "invlnt")
    assert done.returncode == 2
    assert "did you mean invlint" in done.stderr
    assert "takes no options" in fwibench("plugins", "check", "hybrid[base=x]").stderr
