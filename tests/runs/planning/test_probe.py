"""Timed probes: they give a time for every method, keep to a few steps, and survive broken methods."""

import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from fwibench.methods.costs import Case, Probing, Sizes, cost_model
from fwibench.methods.torch_method import TorchMethod
from fwibench.plugins.registry import Registry, load_registry
from fwibench.runs.planning.estimate import PROBE, Estimator
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import make_plan
from fwibench.runs.planning.probe import probe
from fwibench.testing.problems import PROBLEMS

SIZES = Sizes(train=1000, val=100, test=50)
SHIPPED = sorted(load_registry().methods.keys() - {"pretrained", "ensemble", "residual", "gauss-newton"})
"""Without those that need a model file or fitted methods."""


def probing(registry: Registry, name: str, **options: object) -> Probing:
    spec = registry.method(name).spec
    problem = PROBLEMS[spec.measurements[0]]
    return Probing(spec, Case(problem, spec.options.model_validate(options), SIZES), "cpu", 2, 0.0)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_method_has_a_probe(registry: Registry, name: str) -> None:
    asked = probing(registry, name)
    found = cost_model(asked.spec).probe(asked)
    assert found is not None
    assert found.predict > 0
    assert (found.fit > 0) is (asked.learns and not asked.spec.start_option)


@pytest.mark.slow
def test_probe_takes_few_steps_and_writes_no_checkpoint(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from fwibench.methods import training

    steps, saved = [], []
    plain = TorchMethod.training_step
    monkeypatch.setattr(TorchMethod, "training_step", lambda self, *others: steps.append(1) or plain(self, *others))
    monkeypatch.setattr(training.Checkpoints, "offer", lambda self, state: saved.append(1))
    asked = replace(probing(registry, "inversionnet"), seconds=60.0)
    cost_model(asked.spec).probe(asked)
    assert 1 <= len(steps) <= 6, "three steps with each of two batch sizes"
    assert saved == []


def test_synthetic_samples_take_the_memory_of_two(registry: Registry) -> None:
    split = probing(registry, "inversionnet").split(10**6)
    assert len(split) == len(split.measurements) == 10**6
    chosen = split.properties[[0, 1, 999_998]]
    assert (chosen[0] == chosen[2]).all()
    assert (chosen[0] != chosen[1]).any()
    assert split.measurements[5].shape == PROBLEMS["seismic"].measurement_shape


BROKEN = """
    from fwibench import MethodSpec, hookimpl

    @hookimpl
    def fwibench_methods():
        common = {"summary": "x", "target": "MODULE:Absent", "kind": "baseline"}
        return [
            MethodSpec(name=name, costs=f"MODULE:{name.capitalize()}", **common) for name in ("raising", "dying")
        ]

    def __getattr__(name):
        import os
        from fwibench.methods.costs import CostModel

        class Raising(CostModel):
            def probe(self, probing):
                raise ZeroDivisionError("no probe")

        class Dying(CostModel):
            def probe(self, probing):
                os._exit(7)

        found = {one.__name__: one for one in (Raising, Dying)}
        if name not in found:
            raise AttributeError(name)
        return found[name]
"""


@pytest.mark.slow
def test_broken_probes_leave_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = f"probes_{tmp_path.name}"
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / f"{module}.py").write_text(textwrap.dedent(BROKEN).replace("MODULE", module))
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(tmp_path / "plugins"))
    registry = load_registry()
    request = read_request(registry, "raising,dying,mean-map", "salt", profile="smoke", results=tmp_path)
    planned = make_plan(request, registry)
    estimator = Estimator(registry, [], "cpu")
    probed = probe(planned, estimator)
    estimator.use(probed.cells)
    assert [estimator.estimate(one).basis for one in planned] == ["", "", PROBE]
    raised, died = probed.faults
    assert "raising on salt could not be timed: ZeroDivisionError: no probe" in raised
    assert "dying on salt could not be timed: its process ended" in died


def test_line_through_two_fits_is_extrapolated(registry: Registry) -> None:
    from fwibench.methods.costs import _line

    assert _line([(2, 1.0)], 10) == pytest.approx(5.0)
    assert _line([(2, 1.0), (4, 1.8)], 8) == pytest.approx(1.8 + 4 * 0.4)
    assert _line([(2, 1.0), (4, 0.5)], 8) == pytest.approx(0.5 + 4 * 0.0625), "times that fall still grow with work"
