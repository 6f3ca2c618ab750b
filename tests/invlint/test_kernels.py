import numpy as np
import pytest
import torch
from fwibench_invlint import InvLINTOptions
from fwibench_invlint.encoder import BlockAverages, DoubleIntegral, IntegralEncoder
from fwibench_invlint.kernels import Products, averages, encoder_kernels, integrate, property_kernels
from fwibench_invlint.layouts import kernel_centres

from fwibench.datasets.salt.dataset import PROBLEM
from fwibench.testing import em_problem
from tests.tolerances import rounding

S, C = np.sin, np.cos
N, NT, R = 5, 30, 8
ENCODER = {
    "sin-t": lambda a, x, t: S(a * t),
    "sin-t*sin-x": lambda a, x, t: S(a * t) * S(a * x),
    "sin-t*cos-x": lambda a, x, t: S(a * t) * C(a * x),
    "cos-t*sin-x": lambda a, x, t: C(a * t) * S(a * x),
    "sin(x+t)": lambda a, x, t: S(a * (x + t)),
    "sin-t+sin-x": lambda a, x, t: S(a * t) + S(a * x),
}
PROPERTY = {
    "sin-x*sin-z": lambda a, x, z: S(a * x) * S(a * z),
    "cos-x*sin-z": lambda a, x, z: C(a * x) * S(a * z),
    "sin-x*cos-z": lambda a, x, z: S(a * x) * C(a * z),
    "sin(x+z)": lambda a, x, z: S(a * (x + z)),
    "sin-x+sin-z": lambda a, x, z: S(a * x) + S(a * z),
}


def options_of(name: str) -> tuple[str, ...]:
    return InvLINTOptions.model_fields[name].annotation.__args__


def integrals_of(kind: str, nt: int = NT, receivers: int = R) -> list[DoubleIntegral]:
    return [DoubleIntegral(*product) for product in encoder_kernels(kind, N, nt, receivers)]


def test_all_kernels_of_the_tables_are_options() -> None:
    assert {*ENCODER, "random-t", "raw"} == set(options_of("encoder_kernel"))
    assert {*PROPERTY, "gaussian", "gaussian/3", "sinc", "sinc-product"} == set(options_of("property_kernel"))


@pytest.mark.parametrize("kind", ENCODER)
def test_encoder_kernels_equal_a_double_sum(kind: str) -> None:
    values = np.random.default_rng(0).normal(size=(2, 3, NT, R))
    t, x = np.arange(1, NT + 1)[:, None] / NT, np.arange(1, R + 1)[None] / R
    expected = [(values * ENCODER[kind](n * np.pi, x, t)).sum((2, 3)) / R for n in range(1, N + 1)]
    found = sum(integral(torch.from_numpy(values).float()) for integral in integrals_of(kind))
    np.testing.assert_allclose(found.numpy(), np.stack(expected, 2), rtol=0, atol=NT * rounding(terms=NT * R))


@pytest.mark.parametrize("kind", PROPERTY)
def test_property_kernels_equal_a_double_sum(kind: str) -> None:
    shape = (12, 9)
    maps = np.random.default_rng(0).normal(size=(2, *shape))
    centres = kernel_centres(shape, 20)
    products, area = property_kernels(kind, centres, shape)
    z, x = np.arange(1, 13)[:, None] / 12, np.arange(1, 10)[None] / 9
    expected = [(maps * PROPERTY[kind](n * np.pi, x, z)).sum((1, 2)) for n in range(1, np.prod(centres) + 1)]
    np.testing.assert_allclose(area * integrate(products, maps), np.stack(expected, 1), atol=1e-10)


@pytest.mark.parametrize(
    ("kind", "profile"),
    [
        ("gaussian", lambda d, s: np.exp(-(d**2) / (2 * s**2))),
        ("gaussian/3", lambda d, s: np.exp(-(d**2) / (2 * (s / 3) ** 2))),
        ("sinc-product", lambda d, s: np.sinc(d / s)),
    ],
)
def test_localised_kernels_equal_a_double_sum(kind: str, profile: object) -> None:
    shape, (h, w) = (24, 18), kernel_centres((24, 18), 30)
    maps = np.random.default_rng(0).normal(size=(2, *shape))
    products, area = property_kernels(kind, (h, w), shape)
    z, x = np.arange(24)[:, None] + 0.5, np.arange(18)[None] + 0.5
    expected = [
        (maps * profile(z - (i + 0.5) * 24 / h, 24 / h) * profile(x - (j + 0.5) * 18 / w, 18 / w)).sum((1, 2))
        for i, j in np.ndindex(h, w)
    ]
    np.testing.assert_allclose(area * integrate(products, maps), np.stack(expected, 1), atol=1e-10)
    inside = integrate(property_kernels(kind, (30, 30), (200, 200))[0], np.ones((1, 200, 200)))
    assert np.median(inside) == pytest.approx(1, abs=0.05), "of a constant map, the constant"


def test_sinc_is_radial() -> None:
    shape, (h, w) = (24, 18), (6, 3)
    maps = np.random.default_rng(0).normal(size=(2, *shape))
    kernels, area = property_kernels("sinc", (h, w), shape)
    z, x = np.arange(24)[:, None] + 0.5, np.arange(18)[None] + 0.5
    expected = []
    for i, j in np.ndindex(h, w):
        r = np.hypot(z / 4 - i - 0.5, x / 6 - j - 0.5)
        with np.errstate(invalid="ignore"):
            expected.append((maps * np.where(r > 0, np.sin(np.pi * r) / r, np.pi)).sum((1, 2)))
    assert area == 2 * 4 * 6
    # float32 sums of values of size 1 with kernels of at most pi
    atol = np.pi * np.sqrt(24 * 18) * rounding(terms=24 * 18)
    np.testing.assert_allclose(area * integrate(kernels, maps), np.stack(expected, 1), rtol=0, atol=atol)


def test_sinc_has_its_limit_at_its_centre() -> None:
    kernels, area = property_kernels("sinc", (3, 5), (9, 15))
    middle = kernels[7, 4, 7]
    assert area * middle == pytest.approx(np.pi)
    assert middle == kernels[7].max()


def test_radial_and_product_sinc_differ() -> None:
    product: Products
    product, _ = property_kernels("sinc-product", (3, 5), (9, 15))
    radial, _ = property_kernels("sinc", (3, 5), (9, 15))
    along_z, along_x = product[0]
    whole = along_z[:, :, None] * along_x[:, None, :]
    correlation = np.corrcoef(whole.ravel(), radial.ravel())[0, 1]
    assert 0.5 < correlation < 0.99, "both peak at the centre, and differ along the diagonals"


def test_random_functions_of_time_depend_on_the_seed_alone() -> None:
    ((first, receivers),) = encoder_kernels("random-t", 40, 500, R, seed=1)
    ((again, _),), ((other, _),) = (encoder_kernels("random-t", 40, 500, R, seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.isclose(first, other).any(1).all()
    assert (receivers == 1 / R).all()
    # the mean square of 20,000 Gaussian values has a relative standard deviation of sqrt(2 / 20000)
    assert np.square(first).mean() == pytest.approx(0.5, rel=5 * np.sqrt(2 / first.size))


def test_block_averages_are_means_over_blocks() -> None:
    values = np.random.default_rng(0).normal(size=(2, 3, 7, 5))
    blocks = BlockAverages((7, 5), (3, 2))
    found = blocks(torch.from_numpy(values).float()).numpy()
    expected = [values[:, :, i : i + 3, j : j + 2].mean((2, 3)) for i in range(0, 7, 3) for j in range(0, 5, 2)]
    assert blocks.entries == len(expected)
    np.testing.assert_allclose(found, np.stack(expected, 2), rtol=0, atol=rounding(terms=6) * np.abs(values).max())
    np.testing.assert_allclose(averages(7, 3).sum(1), 1)


@pytest.mark.parametrize("kind", ENCODER)
def test_scaled_integrals_equal_integrals_of_scaled_data(kind: str) -> None:
    encoder = IntegralEncoder(PROBLEM, integrals_of(kind, 600, 60), 1 / 600, 4)
    measurements = torch.randn(2, 5, 600, 60, generator=torch.Generator().manual_seed(0)) * 10
    normalised = PROBLEM.amplitude.normalise(measurements, torch)
    expected = sum(integral(normalised) for integral in encoder.integrals).flatten(1) / 600
    # amplitudes of 10 over a scale of 37.5 cancel in the sum, so the error is one of the terms, not of the result
    torch.testing.assert_close(encoder.integrate(measurements), expected, rtol=0, atol=rounding(terms=600 * 60))


def test_em_data_are_not_integrated() -> None:
    problem = em_problem((2, 16, 11), (40, 60))
    encoder = IntegralEncoder(problem, [], 1.0, 7)
    measurements = torch.randn(3, 2, 16, 11)
    assert encoder.matrix.shape == (7, 2 * 16 * 11)
    torch.testing.assert_close(encoder.integrate(measurements), measurements.flatten(1))
