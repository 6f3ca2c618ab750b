import pytest
import torch
from fwibench_latent_unet import Arrangement, LatentUNetOptions
from fwibench_latent_unet.encoder import BLOCKS, trace_layers
from fwibench_latent_unet.method import build_network
from fwibench_latent_unet.unet import UNet
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fwibench.methods.flops import count_flops
from fwibench.problem import Problem
from fwibench.testing import em_problem, seismic_problem

OPENFWI = seismic_problem((5, 1000, 70), (70, 70))
PROBLEMS = {
    "openfwi": OPENFWI,
    "salt": seismic_problem((5, 600, 60), (40, 60)),
    "leakage": seismic_problem((9, 1251, 101), (401, 141)),
    "reservoir": em_problem((2, 16, 61), (351, 601)),
}
ARRANGEMENTS: tuple[Arrangement, ...] = ("channels", "image")


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("repeat", "unet"), [(1, 17_856_000), (2, 34_679_040)])
def test_parameters_are_as_published(repeat: int, unet: int) -> None:
    network = build_network(OPENFWI, LatentUNetOptions(repeat=repeat)).eval()
    assert [count(part) for part in network] == [55_680, unet, 27_877]
    assert network(torch.zeros(1, 5, 1000, 70)).shape == (1, 1, 70, 70)


def test_multiply_adds_of_the_published_network() -> None:
    network = build_network(OPENFWI, LatentUNetOptions()).eval()
    flops, uncounted = count_flops(lambda: network(torch.zeros(1, 5, 1000, 70)))
    assert flops / 2e9 == pytest.approx(15.03, abs=0.01)
    assert uncounted == ()


def test_small_network_has_about_a_million_parameters() -> None:
    assert count(build_network(OPENFWI, LatentUNetOptions(channels=32))) == 1_136_869


def test_published_blocks_leave_74_time_samples() -> None:
    lengths = [1000]
    for block in BLOCKS:
        lengths.append(block.length(lengths[-1]))
    assert lengths == [1000, 334, 165, 82, 78, 74]
    traces = nn.Sequential(*trace_layers(5, 1000, 128, (70, 70))[:-1]).eval()
    assert traces(torch.zeros(1, 5, 1000, 70)).shape == (1, 128, 74, 70)


@pytest.mark.parametrize(
    ("samples", "rows", "left"), [(600, 40, 40), (1251, 401, 409), (1251, 128, 199), (8, 351, 8), (16, 4, 6)]
)
def test_traces_keep_a_time_sample_for_each_row(samples: int, rows: int, left: int) -> None:
    traces = nn.Sequential(*trace_layers(1, samples, 8, (rows, 4))[:-1]).eval()
    assert traces(torch.zeros(1, 1, samples, 3)).shape == (1, 8, left, 3)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_maps_have_the_shape_of_the_problem(problem: Problem, arrangement: Arrangement) -> None:
    options = LatentUNetOptions(channels=4, arrangement=arrangement)
    for latent in (None, 64):
        chosen = options.model_copy(update={"latent": latent})
        maps = build_network(problem, chosen).eval()(torch.zeros(2, *problem.measurement_shape))
        assert maps.shape == (2, *problem.property_shape)


@settings(max_examples=15, deadline=None)
@given(
    st.tuples(*(st.integers(*ends) for ends in ((1, 4), (1, 300), (1, 40), (4, 50), (4, 50)))),
    st.sampled_from(ARRANGEMENTS),
    st.sampled_from(["crop", "resize"]),
)
def test_network_fits_any_survey_and_grid(shapes: tuple[int, ...], arrangement: Arrangement, skips: str) -> None:
    problem = seismic_problem(shapes[:3], shapes[3:])
    options = LatentUNetOptions.model_validate({"channels": 2, "arrangement": arrangement, "skips": skips})
    maps = build_network(problem, options).eval()(torch.zeros(1, *problem.measurement_shape))
    assert maps.shape == (1, *problem.property_shape)
    assert maps.isfinite().all()


def test_skips_are_cropped_as_published_or_resized() -> None:
    image = torch.arange(17.0)[None, None, :, None].expand(1, 1, 17, 17)
    skip, odd = torch.zeros(1, 1, 17, 17), torch.zeros(1, 1, 35, 35)
    cropped = UNet(1, 1, "crop")._fit(image, skip)
    assert cropped.shape == skip.shape
    # the central 17 of 34 rows, of which row i is at i * 16 / 33
    assert cropped[0, 0, :, 0].tolist() == pytest.approx([row * 16 / 33 for row in range(9, 26)])
    padded = UNet(1, 1, "crop")._fit(image, odd)
    assert padded.shape == odd.shape
    assert not padded[..., -1].any()
    assert torch.equal(UNet(1, 1, "resize")._fit(image, skip), image)
    assert UNet(1, 1, "resize")._fit(image, odd)[0, 0, :, 0].tolist() == pytest.approx([i * 16 / 34 for i in range(35)])


def test_latent_image_has_the_proportions_of_the_map() -> None:
    for latent, shape, expected in (
        (None, (351, 601), (351, 601)),
        (128, (351, 601), (75, 128)),
        (128, (401, 141), (128, 45)),
        (128, (70, 70), (70, 70)),
    ):
        assert LatentUNetOptions(latent=latent).latent_shape(shape) == expected
