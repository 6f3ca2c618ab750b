from typing import Any

import pytest
import torch
from fwibench_latent_unet import LatentUNetOptions
from fwibench_latent_unet.method import LatentUNet

from fwibench.errors import UnsuitableError
from fwibench.methods.context import RunContext
from fwibench.problem import Problem
from fwibench.testing import check_method, em_problem, seismic_problem, tiny_data

SMALL = seismic_problem((2, 50, 10), (12, 16))


def build(problem: Problem, context: RunContext, **options: Any) -> LatentUNet:
    return LatentUNet(problem, LatentUNetOptions(channels=4, **options), context)


@pytest.mark.slow
def test_folded_image_conforms() -> None:
    results = check_method("latent-unet", options={"arrangement": "image", "skips": "resize"})
    assert len(results) == 17


def test_squared_error_has_its_weight(context: RunContext) -> None:
    prediction, target = torch.tensor([[1.0, -1.0]]), torch.tensor([[0.0, 2.0]])
    for weight, expected in ((0.0, 2.0), (0.5, 2.0 + 0.5 * 5.0)):
        assert build(SMALL, context, l2_weight=weight).loss(prediction, target).item() == expected


@pytest.mark.parametrize("arrangement", ["channels", "image"])
@pytest.mark.parametrize("kind", ["seismic", "em"])
def test_training_reduces_the_loss(kind: Any, arrangement: str, context: RunContext) -> None:
    tiny = tiny_data(kind)
    options = {"epochs": 30, "batch_size": 6, "learning_rate": 3e-3, "arrangement": arrangement}
    method = build(tiny.problem, context, **options)
    method.fit(tiny.train, tiny.val)
    losses = [epoch["train_loss"] for epoch in method.history]
    assert losses[-1] < 0.8 * losses[0]


def test_logarithm_is_an_option_of_seismic_data_only(context: RunContext) -> None:
    raw = torch.full((1, *SMALL.measurement_shape), 3.0)
    assert build(SMALL, context).encode(raw)[0, 0, 0, 0] == 3.0
    assert build(SMALL, context, log=True).encode(raw)[0, 0, 0, 0] == pytest.approx(2.0)
    with pytest.raises(UnsuitableError, match="log=True has no effect on em data"):
        build(em_problem((2, 6, 10), (20, 30)), context, log=True)


def test_latent_image_that_cannot_be_halved_twice_is_refused(context: RunContext) -> None:
    with pytest.raises(UnsuitableError, match="3 x 16 nodes cannot be halved 2 times"):
        build(seismic_problem((2, 50, 10), (16, 100)), context, latent=16)
    assert LatentUNetOptions().refusal(SMALL) == ""
