"""Checkpoints that OpenFWI published, as states of InversionNet and VelocityGAN.

Names and shapes are those of `network.py` of the repository lanl/OpenFWI at commit 4875480, containers those of
`train.py` and `gan_train.py`. Older checkpoints name the layers of a block after its class.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fwibench.errors import DataError
from fwibench.files.atomic import reading
from fwibench.methods.context import RunContext
from fwibench.methods.torch_method import TorchMethod
from fwibench.problem import Problem
from fwibench.specs.importer import Imported
from fwibench.text.readable import list_names
from fwibench_baselines import InversionNetOptions
from fwibench_baselines.inversionnet import InversionNet

BLOCKS = (
    *("convblock1", "convblock2_1", "convblock2_2", "convblock3_1", "convblock3_2", "convblock4_1", "convblock4_2"),
    *("convblock5_1", "convblock5_2", "convblock6_1", "convblock6_2", "convblock7_1", "convblock7_2", "convblock8"),
    *("deconv1_1", "deconv1_2", "deconv2_1", "deconv2_2", "deconv3_1", "deconv3_2", "deconv4_1", "deconv4_2"),
    *("deconv5_1", "deconv5_2", "deconv6"),
)
"""Blocks of InversionNet, in the order of its layers; each is a convolution and a batch normalisation."""
TENSORS = (
    *("0.weight", "0.bias", "1.weight", "1.bias"),
    *("1.running_mean", "1.running_var", "1.num_batches_tracked"),
)
"""Tensors of a block, in PyTorch's order."""
OLD_LAYERS = re.compile(r"\.(Conv2DwithBN|Deconv2DwithBN)\.")
UPSAMPLING = "ResizeConv2DwithBN"
"""Layers of the decoder of UPFWI's network."""
MEASUREMENTS, MAPS = (5, 1000, 70), (70, 70)
"""Shape of a measurement of OpenFWI `(S, T, R)`, and of a map `(Z, X)`."""
SHOWN = 5
"""Largest number of tensors that a message names."""
HINT = "see https://github.com/lanl/OpenFWI for the published checkpoints"


def read_checkpoint(checkpoint: Path, problem: Problem, folder: Path) -> Imported:
    """Read a checkpoint of InversionNet, or of the generator of VelocityGAN.

    Args:
        checkpoint: File of OpenFWI, `.pth`.
        problem: Problem of the family: it has OpenFWI's scaling, a logarithm and the family's minimum and maximum.
        folder: Where the weights are written.

    Returns:
        Method, options and problem.

    Raises:
        DataError: The file holds other objects than weights, or other weights, or the problem is not OpenFWI's.
    """
    if (problem.measurement_shape, problem.grid.shape) != (MEASUREMENTS, MAPS) or not problem.amplitude.log:
        raise DataError(
            f"the dataset has measurements {problem.measurement_shape} and maps {problem.grid.shape}, expected a "
            f"family of OpenFWI: {MEASUREMENTS} and {MAPS}, scaled after a logarithm",
            "name the family that the checkpoint was trained on, such as flatvel-a",
        )
    content = _load(checkpoint)
    state = content["model"]
    if any(UPSAMPLING in name or ".Resizelayers." in name for name in state):
        raise DataError(f"{checkpoint} holds the network of UPFWI, which no installed method builds", HINT)
    method = "velocitygan" if "model_d" in content else "inversionnet"
    # the generator of VelocityGAN is InversionNet, and the critic does not predict
    network = InversionNet(problem, InversionNetOptions(), RunContext(workdir=folder))
    network.take_weights(_to_ours(checkpoint, state, network))
    network.save(folder)
    epoch = content.get("epoch")
    return Imported(
        method=method,
        problem=problem,
        notes=(f"saved by OpenFWI after epoch {epoch}",) if isinstance(epoch, int) else (),
    )


def _load(checkpoint: Path) -> Mapping[str, Any]:
    """Return the content of a checkpoint: a mapping with a mapping of tensors as `model`."""
    with (
        reading(checkpoint, "a checkpoint of weights", f"it may be truncated or hold code; {HINT}"),
        # the arguments of the training, which are stored beside the weights, are a plain namespace
        torch.serialization.safe_globals([argparse.Namespace]),
    ):
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    state = content.get("model") if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(one, Tensor) for one in state.values()):
        found = ", ".join(map(str, content)) if isinstance(content, Mapping) else type(content).__name__
        raise DataError(f"{checkpoint} holds {found}, expected a state of a network named model", HINT)
    return content


def _to_ours(checkpoint: Path, state: Mapping[str, Tensor], method: TorchMethod) -> dict[str, Tensor]:
    """Return the tensors of a published state by the names of our network.

    Raises:
        DataError: Tensors are missing or unexpected, or have other shapes.
    """
    given = {OLD_LAYERS.sub(".layers.", name.removeprefix("module.")): value for name, value in state.items()}
    ours = method.network.state_dict()
    names = [f"{block}.layers.{tensor}" for block in BLOCKS for tensor in TENSORS]
    pairs = dict(zip(names, ours, strict=True))
    found = {
        "it lacks": [name for name in names if name not in given],
        "it has unexpected": [name for name in given if name not in pairs],
        "shapes differ:": [
            f"{name} is {tuple(given[name].shape)}, expected {tuple(ours[own].shape)}"
            for name, own in pairs.items()
            if name in given and given[name].shape != ours[own].shape
        ],
    }
    faults = [f"{what} {list_names(named, SHOWN)}" for what, named in found.items() if named]
    if faults:
        raise DataError(f"{checkpoint} does not hold OpenFWI's InversionNet: {'; '.join(faults)}", HINT)
    return {own: given[name] for name, own in pairs.items()}
