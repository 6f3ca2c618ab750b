import pytest
import torch
from fwibench_residual.network import Correction, data_stem
from fwibench_residual.simulations import Sizes

from fwibench.methods.unet import LEVELS

SIZES = Sizes((3, 20, 30), (2,), (6, 50, 15))


@pytest.mark.parametrize("mirrors", [False, True])
def test_untrained_network_returns_the_first_prediction(mirrors: bool) -> None:
    inputs = torch.randn(2, SIZES.values)
    for sizes in (SIZES, SIZES._replace(data=(0,))):
        found = Correction(sizes, 4, mirrors).eval()(inputs[:, : sizes.values])
        assert torch.equal(found, inputs[:, :600].view(2, 1, 20, 30))


def test_every_part_of_the_inputs_has_an_effect() -> None:
    torch.manual_seed(0)
    network = Correction(SIZES, 4, False).eval()
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
    assert Correction(sizes, 2, False).eval()(torch.randn(2, sizes.values)).shape == (2, 1, *image)


def test_stem_halves_time_while_rows_have_a_sample_each() -> None:
    strides = [layer[0].stride for layer in data_stem((4, 100, 7), (20, 30), 8)[:-2]]
    assert strides == [(2, 1), (2, 1)], "100 to 25 samples for 20 rows"
    assert [layer[0].stride for layer in data_stem((4, 30, 7), (20, 30), 8)[:-2]] == [(1, 1)]


def test_mirrored_sample_is_predicted_as_the_mirror_image() -> None:
    torch.manual_seed(0)
    network = Correction(SIZES, 4, True).eval()
    torch.nn.init.normal_(network.last.weight)
    inputs = torch.randn(2, SIZES.values)
    found = network(inputs)
    assert not torch.equal(found, network._correct(inputs))
    # the same two summands in reverse order
    assert torch.equal(network(SIZES.mirror(inputs)), found.flip(3))


def test_mirror_reverses_columns_shots_and_receivers() -> None:
    inputs = torch.randn(2, SIZES.values)
    maps, misfits, data = SIZES.split(inputs)
    found = SIZES.split(SIZES.mirror(inputs))
    assert torch.equal(found[0], maps.flip(3))
    assert torch.equal(found[1], misfits)
    for shot in range(3):
        for kind in (0, 3):
            assert torch.equal(found[2][:, kind + shot], data[:, kind + 2 - shot].flip(2))
    assert torch.equal(SIZES.mirror(SIZES.mirror(inputs)), inputs)


def test_training_mirrors_about_half_of_the_samples() -> None:
    torch.manual_seed(0)
    network = Correction(SIZES, 4, True)
    torch.nn.init.normal_(network.last.weight)
    sample = torch.randn(1, SIZES.values)
    with torch.no_grad():
        found = network(sample.expand(200, -1))
        asis, mirrored = network._correct(sample), network._correct(SIZES.mirror(sample)).flip(3)
    size = float((asis - mirrored).abs().max())
    kept, turned = (((found - one).abs().amax((1, 2, 3)) < size / 100) for one in (asis, mirrored))
    assert torch.equal(kept, ~turned)
    # four standard deviations of a binomial distribution
    assert abs(int(turned.sum()) - 100) < 4 * 50**0.5
