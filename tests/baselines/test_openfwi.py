"""Import of OpenFWI's checkpoints, against a network written from its published layers in plain PyTorch."""

import argparse
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fwibench.errors import DataError
from fwibench.methods.context import RunContext
from fwibench.methods.torch_method import TorchMethod
from fwibench.plugins.registry import Registry
from fwibench.runs.models.importing import import_model
from fwibench.runs.models.model import ModelFile, read_model
from tests.conftest import Command
from tests.tolerances import rounding

LOW, HIGH = -26.95, 52.77
"""Amplitudes of FlatVel-A that OpenFWI scales to -1 and 1, in `dataset_config.json`."""


class Block(nn.Module):
    def __init__(self, layer: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels), activation)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def conv(inputs: int, outputs: int, kernel: Any = 3, stride: Any = 1, padding: Any = 1) -> Block:
    return Block(nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.LeakyReLU(0.2))


def deconv(inputs: int, outputs: int, kernel: int, padding: int) -> Block:
    return Block(nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding), nn.LeakyReLU(0.2))


class PublishedNetwork(nn.Module):
    """InversionNet by the names and shapes of OpenFWI's `network.py`."""

    def __init__(self) -> None:
        super().__init__()
        tall, first = {"kernel": (3, 1), "padding": (1, 0)}, {"kernel": (7, 1), "padding": (3, 0), "stride": (2, 1)}
        self.convblock1 = conv(5, 32, **first)
        self.convblock2_1 = conv(32, 64, stride=(2, 1), **tall)
        self.convblock2_2 = conv(64, 64, **tall)
        self.convblock3_1 = conv(64, 64, stride=(2, 1), **tall)
        self.convblock3_2 = conv(64, 64, **tall)
        self.convblock4_1 = conv(64, 128, stride=(2, 1), **tall)
        self.convblock4_2 = conv(128, 128, **tall)
        self.convblock5_1 = conv(128, 128, stride=2)
        self.convblock5_2 = conv(128, 128)
        self.convblock6_1 = conv(128, 256, stride=2)
        self.convblock6_2 = conv(256, 256)
        self.convblock7_1 = conv(256, 256, stride=2)
        self.convblock7_2 = conv(256, 256)
        self.convblock8 = conv(256, 512, (8, 9), padding=0)
        self.deconv1_1 = deconv(512, 512, 5, 0)
        self.deconv1_2 = conv(512, 512)
        self.deconv2_1 = deconv(512, 256, 4, 1)
        self.deconv2_2 = conv(256, 256)
        self.deconv3_1 = deconv(256, 128, 4, 1)
        self.deconv3_2 = conv(128, 128)
        self.deconv4_1 = deconv(128, 64, 4, 1)
        self.deconv4_2 = conv(64, 64)
        self.deconv5_1 = deconv(64, 32, 4, 1)
        self.deconv5_2 = conv(32, 32)
        self.deconv6 = Block(nn.Conv2d(32, 1, 3, 1, 1), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        for name, block in self.named_children():
            x = block(x[:, :, 5:-5, 5:-5] if name == "deconv6" else x)
        return x


@pytest.fixture(scope="module")
def measurements() -> np.ndarray:
    return np.random.default_rng(5).normal(0, 3, (2, 5, 1000, 70)).astype(np.float32)


@pytest.fixture(scope="module")
def published(measurements: np.ndarray) -> PublishedNetwork:
    """The network with random weights and the statistics of its own signals, so that every layer matters."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = PublishedNetwork()
        for name, value in network.named_parameters():
            if name.endswith("1.weight"):
                nn.init.uniform_(value, 0.8, 1.2)
            elif name.endswith("bias"):
                nn.init.uniform_(value, -0.1, 0.1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            # the statistics of one batch, not a running mean with the initial ones
            module.momentum = None
    with torch.no_grad():
        network.train()(torch.from_numpy(scaled(measurements)).float())
    return network.eval()


def scaled(measurements: np.ndarray) -> np.ndarray:
    """Measurements as OpenFWI's `test.py` scales them: a logarithm, then min-max by logged constants."""
    logged = np.log1p(np.abs(measurements.astype(np.float64))) * np.sign(measurements)
    low, high = -np.log1p(-LOW), np.log1p(HIGH)
    return 2 * (logged - low) / (high - low) - 1


def saved(path: Path, state: dict[str, Tensor], **more: Any) -> Path:
    training = {"optimizer": {"state": {}}, "lr_scheduler": {"milestones": [10]}, "epoch": 119, "step": 7}
    torch.save({"model": state, **training, "args": argparse.Namespace(k=1.0, lr=1e-4), **more}, path)
    return path


def imported(checkpoint: Path, registry: Registry, family: str = "flatvel-a") -> ModelFile:
    output = checkpoint.with_suffix(".fwib")
    import_model(checkpoint, registry.importer("openfwi").spec, family, output, registry)
    return read_model(output)


def old_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Names of the layers in older checkpoints, saved by several devices."""
    old = {}
    for name, value in state.items():
        layers = "Deconv2DwithBN" if value.dim() == 4 and "deconv" in name and "_1" in name else "Conv2DwithBN"
        old[f"module.{name.replace('.layers.', f'.{layers}.')}"] = value
    return old


@pytest.mark.parametrize(
    ("method", "rename", "more"),
    [
        ("inversionnet", dict, {}),
        ("inversionnet", old_names, {}),
        ("velocitygan", dict, {"model_d": OrderedDict(convblock1_1=torch.zeros(3))}),
    ],
)
def test_imported_checkpoint_predicts_as_the_published_network(
    method: str,
    rename: Callable[[dict[str, Tensor]], dict[str, Tensor]],
    more: dict[str, Any],
    published: PublishedNetwork,
    measurements: np.ndarray,
    registry: Registry,
    tmp_path: Path,
) -> None:
    state = published.state_dict()
    assert len(state) == 175
    model = imported(saved(tmp_path / "fva_l1.pth", rename(state), **more), registry)
    assert (model.record.cell.method, model.record.cell.dataset) == (method, "flatvel-a")
    assert model.record.track == "extra-data"
    assert "saved by OpenFWI after epoch 119" in model.record.notes
    loaded = model.load(registry, RunContext(workdir=tmp_path))
    assert isinstance(loaded, TorchMethod)
    inputs = loaded.encode(measurements)
    # values of about 1 after four operations in float32
    np.testing.assert_allclose(inputs, scaled(measurements), rtol=0, atol=rounding(4))
    with torch.no_grad():
        maps = published(inputs).numpy().astype(np.float64)
    assert np.abs(maps[0] - maps[1]).mean() > 0.1, "the maps depend on the measurements, so on every layer"
    np.testing.assert_allclose(loaded.predict(measurements), 1500 + (maps + 1) / 2 * 3000, rtol=1e-6)


def without(name: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda state: {key: value for key, value in state.items() if key != name}


WRONG: dict[str, tuple[Callable[[dict[str, Tensor]], dict[str, Tensor]], str]] = {
    "a shape": (
        lambda state: {**state, "convblock8.layers.0.weight": torch.zeros(512, 256, 5, 9)},
        r"shapes differ: convblock8\.layers\.0\.weight is \(512, 256, 5, 9\), expected \(512, 256, 8, 9\)",
    ),
    "a missing tensor": (without("deconv6.layers.1.bias"), r"it lacks deconv6\.layers\.1\.bias"),
    "an unexpected tensor": (
        lambda state: {**state, "convblock9.layers.0.weight": torch.zeros(3)},
        r"it has unexpected convblock9\.layers\.0\.weight",
    ),
    "another network": (
        lambda state: {f"unet.{name}": value for name, value in state.items()},
        r"it lacks convblock1\.layers\.0\.weight, .* and 170 more; it has unexpected unet\.convblock1",
    ),
    "UPFWI": (
        lambda state: {**state, "deconv1_1.ResizeConv2DwithBN.1.weight": torch.zeros(3)},
        "holds the network of UPFWI, which no installed method builds",
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_other_weights_are_told_precisely(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]],
    message: str,
    published: PublishedNetwork,
    registry: Registry,
    tmp_path: Path,
) -> None:
    checkpoint = saved(tmp_path / "wrong.pth", change(published.state_dict()))
    with pytest.raises(DataError, match=message):
        imported(checkpoint, registry)
    assert not (tmp_path / "wrong.fwib").exists()


class Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("executed"),)


@pytest.mark.parametrize("write", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_checkpoint_that_executes_code_is_rejected(
    write: Callable[[Any, Path], object], registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write({"model": {"a": Malicious()}}, tmp_path / "code.pth")
    with pytest.raises(DataError, match=r"code\.pth cannot be read as a checkpoint of weights"):
        imported(tmp_path / "code.pth", registry)
    assert not (tmp_path / "executed").exists()


def test_file_without_a_state_is_told(registry: Registry, tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(3), "epoch": 3}, tmp_path / "other.pth")
    with pytest.raises(DataError, match=r"holds weights, epoch, expected a state of a network named model"):
        imported(tmp_path / "other.pth", registry)


def test_dataset_of_other_shapes_is_refused(published: PublishedNetwork, registry: Registry, tmp_path: Path) -> None:
    checkpoint = saved(tmp_path / "fva.pth", published.state_dict())
    with pytest.raises(DataError, match=r"measurements \(5, 600, 60\) and maps \(40, 60\), expected a family"):
        imported(checkpoint, registry, "salt")


def test_command_imports_and_suggests_names(published: PublishedNetwork, tmp_path: Path, fwibench: Command) -> None:
    saved(tmp_path / "fva.pth", published.state_dict())
    done = fwibench("import-model", "openfwi", "fva.pth", "--family", "flatvel-a", "-o", "fva.fwib")
    assert done.returncode == 0, done.stderr
    assert "fva.fwib: inversionnet (version 2) of flatvel-a-published-paper-inversionnet-s0-" in done.stdout
    wrong = fwibench("import-model", "openfw", "fva.pth", "--family", "flatvel-a", "-o", "other.fwib")
    assert (wrong.returncode, "did you mean openfwi?" in wrong.stderr) == (2, True)
