import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from fwibench_invlint import InvLINTOptions
from fwibench_invlint.decoder import build_decoder
from fwibench_invlint.kernels import property_kernels
from fwibench_invlint.layouts import kernel_centres, layout
from fwibench_invlint.method import InvLINT
from fwibench_invlint.stitching import Stitch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fwibench.datasets.base import Dataset
from fwibench.errors import UnsuitableError
from fwibench.methods.context import RunContext
from fwibench.plugins.registry import Registry
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import make_plan
from fwibench.samples import Split
from fwibench.testing import em_problem, in_memory
from tests.tolerances import rounding

MARMOUSI, RESERVOIR = (70, 70), (351, 601)


def count(kind: str, shape: tuple[int, int], **changes: object) -> int:
    """Return the number of parameters of a decoder whose output has the shape of the map."""
    options = InvLINTOptions.model_validate({"decoder": kind, **changes})
    sizes = layout(shape, options)
    decoder = build_decoder(options, sizes, shape).eval()
    assert decoder(torch.zeros(2, sizes.embedding)).shape == (2, 1, *shape)
    return sum(p.numel() for p in decoder.parameters())


@pytest.mark.parametrize(
    ("shape", "centres", "parameters"),
    [(MARMOUSI, (23, 23), 1_447_001), ((40, 60), (19, 28), 1_620_087), ((401, 141), (39, 14), 1_491_556)],
)
def test_parameters_are_as_published(shape: tuple[int, int], centres: tuple[int, int], parameters: int) -> None:
    assert kernel_centres(shape, 512) == centres == layout(shape, InvLINTOptions()).centres
    assert count("transformer", shape) == parameters


def test_parameters_on_the_reservoir_round_to_the_published_ones() -> None:
    assert 155_000 <= count("transformer", RESERVOIR) < 165_000


def test_kernels_on_the_reservoir_have_the_range_of_table_11() -> None:
    _, area = property_kernels("gaussian", layout(RESERVOIR, InvLINTOptions()).centres, RESERVOIR)
    # a map that reaches both bounds over several kernels has Y from -area to area; the paper's range is 26497.1
    assert 2 * area == pytest.approx(26_497.1, rel=1e-3)
    assert 2 * property_kernels("gaussian", kernel_centres(RESERVOIR, 512), RESERVOIR)[1] < 26_497.1 / 5


def test_sizes_that_are_set_replace_those_of_the_layout() -> None:
    sizes = layout(RESERVOIR, InvLINTOptions(width=32, mlp=48, heads=4, embedding=30))
    assert (sizes.width, sizes.mlp, sizes.heads, sizes.centres) == (32, 48, 4, kernel_centres(RESERVOIR, 30))
    assert sizes.grid == layout(RESERVOIR, InvLINTOptions()).grid


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [("deconv-x5", 12_705_379), ("up-x5", 4_007_619), ("conv", 298_777), ("deconv", 345_433)],
)
def test_decoders_of_table_4_have_the_published_parameters(kind: str, parameters: int) -> None:
    assert count(kind, MARMOUSI) == parameters


def test_decoders_of_table_5_add_the_expected_parameters() -> None:
    one = count("transformer", MARMOUSI)
    assert count("transformer", MARMOUSI, layers=2) - one == 789_760
    assert count("transformer", MARMOUSI, layers=3) - one == 2 * 789_760
    assert count("transformer", MARMOUSI, shared=False) - one == 3 * 351_833


@pytest.mark.parametrize("kind", ["transformer", "conv", "deconv", "deconv-x5", "up-x5"])
@pytest.mark.parametrize("shape", [(40, 60), (33, 90), (100, 24)])
def test_every_decoder_fits_every_map(kind: str, shape: tuple[int, int]) -> None:
    assert count(kind, shape) > 0


def test_counts_on_salt(salt: Dataset, context: RunContext) -> None:
    method = InvLINT(salt.problem, InvLINTOptions(), context)
    complexity = method.complexity()
    assert complexity.parameters == 1_620_087
    assert complexity.parameters_closed_form == 2050 * 532 + 532
    assert complexity.uncounted == ()
    tokens, hidden = 2, 1024
    integrals = 5 * 600 * 60 + 5 * 600 * 410 + 2050 * 532
    decoder = 532 * 512 + tokens * (256 * 256 + 4 * 256 * 256 + 2 * tokens * 256 + 2 * 256 * hidden + 256 * 49 * 39)
    assert complexity.macs == integrals + decoder


def test_integral_is_the_sum_over_time_of_the_mean_over_receivers(salt: Dataset, context: RunContext) -> None:
    method = InvLINT(salt.problem, InvLINTOptions(kernels=7), context)
    measurements = salt.split("random", "val").measurements[:]
    normalised = salt.problem.amplitude.normalise(measurements.astype(float), np)
    t = np.arange(1, 601) / 600
    expected = [(normalised.mean(3) * np.sin(n * np.pi * t)).sum(2) for n in range(1, 8)]
    integrated = method.encoder.integrate(torch.from_numpy(measurements)).numpy().reshape(3, 5, 7)
    # sums of 600 x 60 values of size 1 in float32
    np.testing.assert_allclose(integrated, np.stack(expected, 2), rtol=0, atol=600 * rounding(terms=600 * 60))


def test_property_integrals_equal_two_dimensional_kernels(salt: Dataset, context: RunContext) -> None:
    method = InvLINT(salt.problem, InvLINTOptions(embedding=20), context)
    maps = salt.split("random", "val").properties[:]
    h, w = kernel_centres((40, 60), 20)
    sigma_z, sigma_x = 40 / h, 60 / w
    z, x = np.meshgrid(np.arange(40), np.arange(60), indexing="ij")
    expected = []
    for i, j in np.ndindex(h, w):
        offset_z, offset_x = (z + 0.5 - (i + 0.5) * sigma_z) / sigma_z, (x + 0.5 - (j + 0.5) * sigma_x) / sigma_x
        kernel = np.exp(-(offset_z**2 + offset_x**2) / 2) / (2 * np.pi * sigma_z * sigma_x)
        expected.append((salt.problem.property.normalise(maps[:, 0].astype(float)) * kernel).sum((1, 2)))
    np.testing.assert_allclose(method.integrate_properties(maps), np.stack(expected, 1), rtol=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.integers(8, 160), st.integers(8, 160))
def test_stitching_covers_every_map(nz: int, nx: int) -> None:
    shape = (nz, nx)
    sizes = layout(shape, InvLINTOptions())
    stitch = Stitch(shape, sizes.grid, sizes.block)
    ones = torch.ones(1, sizes.tokens, math.prod(sizes.block))
    torch.testing.assert_close(stitch(ones), torch.ones(1, 1, nz, nx))


def test_stitching_places_blocks_at_their_positions() -> None:
    stitch = Stitch((40, 60), (1, 2), (49, 39))
    blocks = torch.stack([torch.full((49 * 39,), 1.0), torch.full((49 * 39,), 3.0)])[None]
    row = stitch(blocks)[0, 0, 20]
    assert row[:25].eq(1).all()
    assert row[35:].eq(3).all()
    assert row[26:34].eq(2).all(), "where blocks overlap they are averaged"


@pytest.mark.parametrize(("shape", "grid", "block"), [((7, 11), (2, 3), (5, 6)), ((4, 6), (1, 2), (7, 3))])
def test_gradient_of_stitching_is_that_of_its_sums(
    shape: tuple[int, int], grid: tuple[int, int], block: tuple[int, int]
) -> None:
    stitch = Stitch(shape, grid, block).double()
    blocks = torch.randn(2, math.prod(grid), math.prod(block), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(stitch, blocks)


def test_relation_is_nearly_linear_and_alpha_is_chosen_on_val(salt: Dataset, context: RunContext) -> None:
    def figures(**options: object) -> dict[str, float]:
        method = InvLINT(salt.problem, InvLINTOptions(**{"epochs": 1, **options}), context)
        method.fit_encoder(salt.split("random", "train"), salt.split("random", "val"))
        return {**method.figures(), **method.diagnostics(salt.split("random", "test"))}

    chosen, fixed = figures(alpha="val"), figures(alpha=1e5)
    assert chosen["ridge_r2_val"] > fixed["ridge_r2_val"]
    assert chosen["ridge_r2_val"] > 0.9
    assert fixed["alpha"] == 1e5
    assert figures(alpha=1e5, scaling="integral")["ridge_r2_val"] < 0.01, "alpha has a meaning only with its scaling"


def test_fit_records_the_regression(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    method = InvLINT(salt.problem, InvLINTOptions(epochs=1, batch_size=8), context)
    train, val, test = (salt.split("random", name) for name in ("train", "val", "test"))
    method.fit(train, val)
    figures = {**method.figures(), **method.diagnostics(test)}
    area = 2 * np.pi * (40 / 19) * (60 / 28)
    y = area * method.integrate_properties(test.properties[:])
    predicted = area * method.encode(test.measurements[:]).double().numpy()
    assert figures["ridge_mae_test"] == pytest.approx(np.abs(predicted - y).mean(), rel=1e-3)
    assert figures["ridge_mse_test"] == pytest.approx(np.square(predicted - y).mean(), rel=1e-3)
    assert figures["y_range_test"] == pytest.approx(y.max() - y.min())
    assert figures["y_abs_mean_test"] == pytest.approx(abs(y.mean()))
    assert {"ridge_mae_train", "y_range_train", "ridge_r2_val"} <= set(figures)
    assert figures["ridge_r2_test_low"] <= figures["ridge_r2_test"] <= figures["ridge_r2_test_high"]
    values = method.spectra()["singular values of A"]
    expected = np.linalg.svd(method.encoder.matrix.double().numpy(), compute_uv=False)
    # the matrix is kept in float32, which moves singular values by a share of the largest
    np.testing.assert_allclose(values[:10], expected[:10], rtol=0, atol=rounding(terms=532) * expected[0])


def test_electromagnetic_measurements_can_be_inverted(context: RunContext) -> None:
    problem = em_problem((2, 16, 21), (88, 150))
    method = InvLINT(problem, InvLINTOptions(), context)
    maps = method.infer(np.zeros((3, 2, 16, 21), np.float32))
    assert maps.shape == (3, 1, 88, 150)
    assert method.complexity().parameters_fixed == 0


def test_lengths_of_u_and_y_are_figures(salt: Dataset, context: RunContext) -> None:
    def lengths(**options: object) -> tuple[float, float, float | None]:
        method = InvLINT(salt.problem, InvLINTOptions(epochs=1, embedding=20, **options), context)
        method.fit_encoder(salt.split("random", "train"), salt.split("random", "val"))
        figures = method.figures()
        values = method.spectra()["singular values of A"]
        assert figures["essential_dimensions"] == (values / values[0] > 0.01).sum()
        return figures["u_dimensions"], figures["y_dimensions"], figures.get("kernels_per_source")

    h, w = kernel_centres((40, 60), 20)
    assert lengths(kernels=7) == (35, h * w, 7)
    assert lengths(kernels_total=7) == (10, h * w, 2), "rounded up to the same number per source"
    assert lengths(encoder_kernel="raw", kernels_total=100)[2] is None, "there are no kernels"


def test_number_of_kernels_is_set_once() -> None:
    assert [InvLINTOptions(kernels_total=n).kernels_per_source(5) for n in (None, 1024, 4096)] == [410, 205, 820]
    assert InvLINTOptions(kernels=512).kernels_per_source(5) == 512
    with pytest.raises(ValidationError, match="set one of them"):
        InvLINTOptions(kernels=10, kernels_total=50)
    with pytest.raises(ValidationError, match="no effect with encoder_kernel=raw"):
        InvLINTOptions(encoder_kernel="raw", scaling="integral")


def reservoir(context: RunContext, n: int) -> tuple[InvLINT, Split]:
    """Return InvLINT for maps of the reservoir, with a regression of `n` samples, and these samples."""
    rng, problem = np.random.default_rng(0), em_problem((1, 2, 5), RESERVOIR)
    measurements = rng.normal(size=(n, 1, 2, 5)).astype(np.float32)
    level = problem.property.denormalise(0.1 * measurements.mean((1, 2, 3)))
    maps = np.tile(level[:, None, None, None], (1, 1, *RESERVOIR)).astype(np.float32)
    samples = in_memory("train", measurements, maps)
    method = InvLINT(problem, InvLINTOptions(alpha=1e-6), context)
    method.fit_encoder(samples, dataclasses.replace(samples, name="val"))
    return method, samples


def test_decoder_of_the_reservoir_receives_standardised_y(context: RunContext) -> None:
    method, samples = reservoir(context, 6)
    encoded = method.encode(samples.measurements[:]).double().numpy()
    # A U of maps that depend linearly on the measurements fits Y up to the penalty
    np.testing.assert_allclose(encoded.mean(0), 0, atol=1e-3)
    assert np.sqrt(np.square(encoded).mean()) == pytest.approx(1, abs=1e-3)
    one, sample = reservoir(context, 1)
    assert np.isfinite(one.encode(sample.measurements[:]).numpy()).all()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"encoder_kernel": "raw"}, "encoder_kernel=raw has no effect on em data"),
        ({"encoder_kernel": "sin-t*cos-x"}, "no effect"),
        ({"kernels": 3}, "kernels=3 has no effect"),
        ({"kernels_total": 2048}, "kernels_total=2048 has no effect"),
        ({"scaling": "integral"}, "scaling=integral has no effect"),
        ({"embedding": 40 * 60 + 1}, "embedding=2401 is more than the 2400 nodes of the map"),
    ],
)
def test_options_without_effect_are_refused(options: dict[str, object], reason: str, context: RunContext) -> None:
    problem = em_problem((2, 16, 11), (40, 60))
    assert reason in InvLINTOptions(**options).refusal(problem)
    with pytest.raises(UnsuitableError, match=reason):
        InvLINT(problem, InvLINTOptions(**options), context)
    assert not InvLINTOptions(scaling="standard", embedding=2400, property_kernel="sinc").refusal(problem)


def test_plan_skips_cells_whose_options_have_no_effect(registry: Registry) -> None:
    wanted = read_request(registry, "invlint[encoder_kernel=sin-t|raw]", "kimberlina-reservoir,salt", profile="smoke")
    skipped = {(one.cell.dataset, one.cell.options["encoder_kernel"]): one.skip for one in make_plan(wanted, registry)}
    assert [bool(reason) for reason in skipped.values()] == [False, True, False, False]
    assert skipped["kimberlina-reservoir", "raw"] == (
        "invlint on kimberlina-reservoir: encoder_kernel=raw has no effect on em data, which are not integrated"
    )


def test_notes_tell_of_repeated_kernels_and_of_a_penalty_at_the_end_of_its_range(
    salt: Dataset, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def notes(**options: object) -> str:
        method = InvLINT(salt.problem, InvLINTOptions(epochs=1, embedding=20, **options), context)
        method.fit_encoder(salt.split("random", "train"), salt.split("random", "val"))
        return " ".join(method.notes())

    assert not notes(kernels=600)
    assert "601 kernels per source on 600 time samples" in notes(kernels=601)
    assert not notes(kernels=601, encoder_kernel="random-t")
    assert not notes(kernels=5, alpha=1e5), "a penalty that the user chose"
    # the relation is nearly linear, so the smallest penalty is best
    monkeypatch.setattr("fwibench_invlint.method.ALPHAS", (1e4, 1e5))
    assert "alpha=10000, chosen on val, is the smallest that was compared" in notes(kernels=5, alpha="val")


def test_random_functions_of_time_are_saved(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    options = InvLINTOptions(epochs=1, batch_size=8, encoder_kernel="random-t", kernels=6, embedding=20)
    method = InvLINT(salt.problem, options, context)
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    method.save(tmp_path)
    other = InvLINT(salt.problem, options, dataclasses.replace(context, repetition=3))
    measurements = salt.split("random", "test").measurements[:]
    assert not np.allclose(other.encoder.integrals[0].first, method.encoder.integrals[0].first)
    other.load(tmp_path)
    np.testing.assert_array_equal(method.predict(measurements), other.predict(measurements))
    again = InvLINT(salt.problem, options, context)
    torch.testing.assert_close(again.encoder.integrals[0].first, method.encoder.integrals[0].first, rtol=0, atol=0)


def test_raw_measurements_are_averaged_only_where_they_have_too_many_entries(
    salt: Dataset, context: RunContext
) -> None:
    def u(**options: object) -> np.ndarray:
        method = InvLINT(salt.problem, InvLINTOptions(encoder_kernel="raw", **options), context)
        return method.encoder.integrate(torch.from_numpy(measurements)).numpy()

    measurements = salt.split("random", "val").measurements[:2]
    normalised = salt.problem.amplitude.normalise(measurements.astype(float), np)
    np.testing.assert_allclose(u(kernels=600 * 60), normalised.reshape(2, -1), atol=rounding())
    halves = normalised.reshape(2, 5, 300, 2, 60).mean(3).reshape(2, -1)
    np.testing.assert_allclose(u(kernels=300 * 60), halves, rtol=0, atol=rounding(terms=60) * np.abs(normalised).max())
    assert u().shape[1] <= 8192
    assert u(kernels_total=2048).shape[1] <= 2048


@pytest.mark.parametrize(
    "options",
    [
        {"decoder": "conv"},
        {"encoder_kernel": "sin-t*cos-x"},
        {"encoder_kernel": "random-t"},
        {"encoder_kernel": "raw"},
        {"property_kernel": "sinc"},
        {"property_kernel": "sinc-product"},
        {"shared": False},
    ],
)
def test_every_option_can_be_trained(options: dict[str, object], salt: Dataset, context: RunContext) -> None:
    method = InvLINT(salt.problem, InvLINTOptions(epochs=2, batch_size=8, alpha="val", kernels=64, **options), context)
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    assert np.isfinite(method.predict(salt.split("random", "test").measurements[:])).all()
    assert method.complexity().uncounted == ()


def test_saved_method_predicts_the_same(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    method = InvLINT(salt.problem, InvLINTOptions(epochs=2, batch_size=8), context)
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    method.save(tmp_path)
    other = InvLINT(salt.problem, InvLINTOptions(), dataclasses.replace(context, repetition=3))
    other.load(tmp_path)
    measurements = salt.split("random", "test").measurements[:]
    np.testing.assert_array_equal(method.predict(measurements), other.predict(measurements))
