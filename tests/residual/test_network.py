import pytest
import torch
from fwibench_residual.network import Correction, data_stem
from fwibench_residual.simulations import Sizes

from fwibench.methods.unet import LEVELS

SIZES = Sizes((3, 20, 30), (2,), (6, 50, 15))


def test_untrained_network_returns_the_first_prediction() -> None:
    inputs = torch.randn(2, SIZES.values)
    for sizes in (SIZES, SIZES._replace(data=(0,))):
        found = Correction(sizes, 4).eval()(inputs[:, : sizes.values])
        assert torch.equal(found, inputs[:, :600].view(2, 1, 20, 30))


def test_every_part_of_the_inputs_has_an_effect() -> None:
    torch.manual_seed(0)
    network = Correction(SIZES, 4).eval()
    torch.nn.init.ones_(network.last.weight)
    inputs = torch.randn(1, SIZES.values, requires_grad=True)
    network(inputs).sum().backward()
    for part in SIZES.split(inputs.grad):
        assert part.flatten(2 if part.dim() > 2 else 1).abs().sum(-1).all()


def test_vector_holds_the_parts_in_order() -> None:
    vector = torch.arange(SIZES.values).float()[None]
    parts = SIZES.split(vector)
    assert [tuple(part.shape[1:]) for part in parts] == list(SIZES)
    assert torch.equal(torch.cat([part.flatten(1) for part in parts], 1), vector)


@pytest.mark.parametrize("image", [(5, 9), (70, 70), (2**LEVELS, 3)])
def test_maps_of_any_size_keep_their_shape(image: tuple[int, int]) -> None:
    sizes = Sizes((2, *image), (1,), (4, 3 * image[0], 7))
    assert Correction(sizes, 2).eval()(torch.randn(2, sizes.values)).shape == (2, 1, *image)


def test_stem_halves_time_while_rows_have_a_sample_each() -> None:
    strides = [layer[0].stride for layer in data_stem((4, 100, 7), (20, 30), 8)[:-2]]
    assert strides == [(2, 1), (2, 1)], "100 to 25 samples for 20 rows"
    assert [layer[0].stride for layer in data_stem((4, 30, 7), (20, 30), 8)[:-2]] == [(1, 1)]
