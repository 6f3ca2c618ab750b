"""Tests of example-unet beyond the conformance checks."""

from pathlib import Path

from fwibench import RunContext
from fwibench.testing import tiny_data

from fwibench_example_unet import fwibench_methods


def test_training_reduces_the_loss(tmp_path: Path) -> None:
    (spec,) = fwibench_methods()
    tiny = tiny_data("seismic")
    method = spec.load()(tiny.problem, spec.options(epochs=40, batch_size=4), RunContext(workdir=tmp_path))
    method.fit(tiny.train, tiny.val)
    losses = [epoch["train_loss"] for epoch in method.history]
    assert losses[-1] < 0.7 * losses[0]
