"""One train sample, and batches of one: methods work, or say beforehand why they cannot."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fwibench import TrainingOptions
from fwibench.datasets.base import Dataset
from fwibench.errors import OptionError, UnsuitableError
from fwibench.methods.batches import count_batches, even_batches, needs_pairs
from fwibench.methods.context import RunContext
from fwibench.methods.torch_method import TorchMethod
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.spectra import write_spectra
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import _DatasetSplit, make_plan
from fwibench.testing import in_memory


@pytest.mark.parametrize("options", [{}, {"alpha": 1.0}])
@pytest.mark.parametrize("name", ["pixel-ridge", "kernel-ridge", "invlint"])
def test_closed_form_of_one_sample_predicts_its_map(
    name: str, options: dict[str, object], salt: Dataset, registry: Registry, context: RunContext, tmp_path: Path
) -> None:
    spec = registry.method(name).spec
    train, val = (salt.split("random", part).spread(1) for part in ("train", "val"))
    smoke = spec.profiles.get("smoke", {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        method = spec.load()(salt.problem, spec.options.model_validate({**smoke, **options}), context)
        method.fit(train, val)
        maps = method.predict(val.measurements[:])
        write_spectra(method.spectra(), tmp_path)
        figures = {**method.figures(), **method.diagnostics(val)}
    assert np.isfinite(maps).all()
    if name != "invlint":
        assert np.allclose(maps, train.properties[:], rtol=1e-5)
    else:
        assert np.isnan(figures["ridge_r2_train"]), "there is no variance to explain"
        assert np.isfinite(figures["ridge_mae_train"])


@pytest.mark.parametrize("name", ["inversionnet", "velocitygan"])
def test_plan_skips_networks_with_batch_statistics_for_one_sample(name: str, salt: Dataset, registry: Registry) -> None:
    spec = registry.method(name).spec
    sizes = {"train": 1, "val": 1, "test": 1}
    reason = f"{name} needs 2 train samples at least, salt has 1 in its split random"
    assert _DatasetSplit(salt, "random", sizes).unsupported_reason(spec, spec.options(), "cpu") == reason
    assert not _DatasetSplit(salt, "random", {**sizes, "train": 2}).unsupported_reason(spec, spec.options(), "cpu")
    with pytest.raises(OptionError, match="option batch_size of .* is .1.: input should be greater than or equal to 2"):
        make_plan(read_request(registry, f"{name}[batch_size=1]", "salt", profile="smoke"), registry)


class Norms(TorchMethod):
    """A network that normalises one value a channel."""

    def build(self) -> nn.Module:
        layers = [nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(self.problem.measurement_shape[0]), nn.Flatten()]
        size = self.problem.property_shape
        return nn.Sequential(*layers, nn.LazyLinear(size[1] * size[2]), nn.Unflatten(1, size))

    def training_step(self, trainer: object, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        self.sizes = [*getattr(self, "sizes", []), len(inputs)]
        return super().training_step(trainer, inputs, target)


class Plain(Norms):
    def build(self) -> nn.Module:
        return nn.Sequential(*[one for one in super().build() if not isinstance(one, nn.BatchNorm2d)])


@pytest.mark.parametrize(
    ("kind", "samples", "batch", "sizes"),
    [
        (Norms, 3, 2, [3]),
        (Norms, 5, 2, [3, 2]),
        (Norms, 4, 2, [2, 2]),
        (Norms, 3, 1, [3]),
        (Plain, 3, 2, [2, 1]),
        (Plain, 1, 1, [1]),
    ],
)
def test_batches_of_one_are_merged_where_a_network_needs_pairs(
    kind: type[Norms], samples: int, batch: int, sizes: list[int], salt: Dataset, context: RunContext
) -> None:
    method = kind(salt.problem, TrainingOptions(epochs=1, batch_size=batch), context)
    method.encode(np.zeros((1, *salt.problem.measurement_shape), np.float32))
    with torch.no_grad():
        method.network.eval()(torch.zeros(1, *salt.problem.measurement_shape))
    method.fit(salt.split("random", "train").spread(samples), salt.split("random", "val").spread(1))
    assert method.sizes == sizes


def test_a_network_that_needs_pairs_is_unsuitable_for_one_sample(salt: Dataset, context: RunContext) -> None:
    method = Norms(salt.problem, TrainingOptions(epochs=1, batch_size=4), context)
    with torch.no_grad():
        method.network.eval()(torch.zeros(1, *salt.problem.measurement_shape))
    with pytest.raises(UnsuitableError, match="test needs at least 2 train samples for its batch normalisation"):
        method.fit(salt.split("random", "train").spread(1), salt.split("random", "val").spread(1))


@pytest.mark.parametrize("name", ["invlint", "auto-linear", "inversionnet"])
def test_a_network_without_val_samples_is_unsuitable(
    name: str, salt: Dataset, registry: Registry, context: RunContext
) -> None:
    spec = registry.method(name).spec
    method = spec.load()(salt.problem, spec.options.model_validate(spec.profiles["smoke"]), context)
    train = salt.split("random", "train").spread(4)
    with pytest.raises(UnsuitableError, match="test chooses its weights on val samples, and there are none"):
        method.fit(train, in_memory("val", train.measurements[:0], train.properties[:0]))


def test_needs_pairs_does_not_change_the_network() -> None:
    network = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout())
    state = {name: value.clone() for name, value in network.state_dict().items()}
    assert not needs_pairs(network, torch.ones(1, 2, 3, 3))
    assert needs_pairs(network, torch.ones(1, 2, 1, 1))
    assert network.training
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_batches_are_even_and_within_the_batch_size() -> None:
    for samples in range(1, 12):
        for size in range(1, 6):
            for smallest in (1, 2):
                batches = even_batches(np.arange(samples), size, smallest)
                assert len(batches) == count_batches(samples, size, smallest)
                assert max(map(len, batches)) - min(map(len, batches)) <= 1
                assert min(map(len, batches)) >= min(smallest, samples)
                if smallest == 1:
                    assert max(map(len, batches)) <= size
