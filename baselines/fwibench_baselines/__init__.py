"""The plugin of the built-in baselines: specs and options; the code is imported when a method is built."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from fwibench import Frozen, ImporterSpec, MethodSpec, TrainingOptions, hookimpl
from fwibench.specs.method import BatchSize, Epochs, FirstMoment, LearningRate, SecondMoment
from fwibench_baselines.fwi.options import OracleOptions, StartOptions
from fwibench_baselines.pretrained_options import PretrainedOptions
from fwibench_baselines.published import INVERSIONNET, MULTISCALE_FWI, VELOCITYGAN

PairedBatchSize = Annotated[
    BatchSize, Field(ge=2, description="largest batch [samples]; batches of an epoch are even and hold two at least")
]
"""Type of the option of networks with batch normalisation."""
Log = Annotated[
    bool, Field(description="take the logarithm of seismic amplitudes before they are scaled, as OpenFWI does")
]

Untrained = Annotated[
    Literal["random", "train"],
    Field(
        description="what the untrained network predicts: maps about the middle of the bounds, or maps whose values "
        "have the mean and standard deviation of those of train"
    ),
]
SquaredWeight = Annotated[float, Field(ge=0, description="weight of the mean squared error")]


class InversionNetOptions(TrainingOptions):
    """Options of InversionNet; the defaults are OpenFWI's: AdamW at a constant 1e-4, 120 epochs, batches of 256."""

    batch_size: PairedBatchSize = 256
    learning_rate: LearningRate = 1e-4
    beta1: FirstMoment = 0.9
    log: Log = True
    l2_weight: SquaredWeight = 0.0
    untrained: Untrained = "random"


class VelocityGANOptions(TrainingOptions):
    """Options of VelocityGAN; the defaults are OpenFWI's: AdamW at a constant 1e-4, 500 epochs, batches of 64."""

    epochs: Epochs = 500
    batch_size: PairedBatchSize = 64
    learning_rate: LearningRate = 1e-4
    beta1: FirstMoment = 0.0
    beta2: SecondMoment = 0.9
    log: Log = True
    n_critic: int = Field(default=5, ge=1, description="steps of the critic per step of the generator")
    gradient_penalty: float = Field(default=10.0, ge=0, description="weight of the gradient penalty (lambda)")
    l1_weight: float = Field(default=100.0, ge=0, description="weight of the mean absolute error")
    l2_weight: SquaredWeight = 0.0
    adversarial_weight: float = Field(default=1.0, ge=0, description="weight of the critic's score")
    untrained: Untrained = "random"


class FeatureOptions(Frozen):
    """Options of the baselines that use block averages of measurements."""

    features: int = Field(default=4096, ge=1, description="largest number of block averages of a measurement")


class PixelRidgeOptions(FeatureOptions):
    """Options of pixel-ridge."""

    alpha: PositiveFloat | Literal["val"] = Field(
        default="val", description="ridge penalty on standardised features, or 'val' to choose it on val"
    )


class KernelRidgeOptions(FeatureOptions):
    """Options of kernel-ridge."""

    kernel: Literal["exponential", "matern", "gaussian"] = Field(
        default="matern", description="kernel of the distance of two measurements; matern has smoothness 3/2"
    )
    length: PositiveFloat | Literal["val"] = Field(
        default="val",
        description="length of the kernel over the median distance of train measurements, or 'val' to choose it on val",
    )
    alpha: PositiveFloat | Literal["val"] = Field(
        default="val", description="penalty, beside a kernel that is 1 at distance 0, or 'val' to choose it on val"
    )
    largest: int = Field(
        default=3000, ge=1, description="largest number of train samples; of more, so many are used, evenly spaced"
    )


@hookimpl
def fwibench_methods() -> Iterable[MethodSpec]:
    """Return the specs of the baselines."""
    return [
        MethodSpec(
            name="inversionnet",
            summary="deep convolutional encoder and decoder",
            reference="Wu and Lin, InversionNet, IEEE TCI 2019; OpenFWI, NeurIPS 2022",
            target="fwibench_baselines.inversionnet:InversionNet",
            kind="learned",
            options=InversionNetOptions,
            profiles={
                "smoke": {"epochs": 1, "batch_size": 8},
                "quick": {
                    "epochs": 30,
                    "max_batches": 1000,
                    "batch_size": 8,
                    "learning_rate": 1e-3,
                    "schedule": "one-cycle",
                    "precision": "auto",
                },
                "paper": {"min_batches": 11280},
            },
            devices=("cpu", "cuda"),
            measurements=("seismic", "em"),
            min_train=2,
            version="2",
            published=INVERSIONNET,
        ),
        MethodSpec(
            name="velocitygan",
            summary="InversionNet trained against a critic (Wasserstein GAN with gradient penalty)",
            reference="Zhang and Lin, VelocityGAN, IEEE TGRS 2020; OpenFWI, NeurIPS 2022",
            target="fwibench_baselines.velocitygan:VelocityGAN",
            kind="learned",
            options=VelocityGANOptions,
            profiles={
                "smoke": {"epochs": 1, "batch_size": 4},
                "quick": {
                    "epochs": 40,
                    "max_batches": 1200,
                    "batch_size": 4,
                    "learning_rate": 1e-3,
                    "schedule": "one-cycle",
                    "precision": "auto",
                    "n_critic": 1,
                },
                "paper": {"min_batches": 187500},
            },
            measurements=("seismic", "em"),
            min_train=2,
            devices=("cpu", "cuda"),
            version="2",
            published=VELOCITYGAN,
        ),
        MethodSpec(
            name="mean-map",
            summary="mean of the training maps for every measurement",
            target="fwibench_baselines.mean_map:MeanMap",
            costs="fwibench.methods.costs:LinearCosts",
            kind="baseline",
            measurements=("seismic", "em"),
            deterministic=True,
        ),
        MethodSpec(
            name="nearest-neighbour",
            summary="map of the training sample with the nearest measurement",
            target="fwibench_baselines.nearest_neighbour:NearestNeighbour",
            costs="fwibench_baselines.costs:NeighbourCosts",
            kind="baseline",
            options=FeatureOptions,
            measurements=("seismic", "em"),
            devices=("cpu", "cuda"),
            deterministic=True,
        ),
        MethodSpec(
            name="pixel-ridge",
            summary="ridge regression from measurements to every node of the map",
            target="fwibench_baselines.pixel_ridge:PixelRidge",
            costs="fwibench_baselines.costs:RidgeCosts",
            kind="closed-form",
            options=PixelRidgeOptions,
            measurements=("seismic", "em"),
            devices=("cpu", "cuda"),
            deterministic=True,
        ),
        MethodSpec(
            name="kernel-ridge",
            summary="kernel ridge regression from measurements to every node of the map, as a Gaussian process",
            reference="Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006",
            target="fwibench_baselines.kernel_ridge:KernelRidge",
            costs="fwibench_baselines.costs:KernelCosts",
            kind="closed-form",
            options=KernelRidgeOptions,
            measurements=("seismic", "em"),
            deterministic=True,
        ),
        MethodSpec(
            name="multiscale-fwi",
            summary="waveform inversion from low to high frequencies, from the mean training map or another start",
            reference="InvLINT, section 4.5; Virieux and Operto, Geophysics 2009",
            target="fwibench_baselines.fwi.method:MultiscaleFWI",
            costs="fwibench_baselines.fwi.costs:InversionCosts",
            kind="iterative",
            options=StartOptions,
            profiles={"smoke": {"iterations": 2}},
            physics=("acoustic",),
            devices=("cpu", "cuda"),
            needs_fit_for={"start": ("train-mean", "train-gradient")},
            start_option="start",
            version="3",
            published=MULTISCALE_FWI,
        ),
        MethodSpec(
            name="multiscale-fwi-oracle",
            summary="waveform inversion from the smoothed truth, an upper bound for other start models",
            reference="InvLINT, section 4.5",
            target="fwibench_baselines.fwi.method:OracleFWI",
            costs="fwibench_baselines.fwi.costs:InversionCosts",
            kind="iterative",
            options=OracleOptions,
            profiles={"smoke": {"iterations": 2}},
            physics=("acoustic",),
            devices=("cpu", "cuda"),
            needs_fit=False,
            track="oracle-start",
            version="3",
        ),
        MethodSpec(
            name="pretrained",
            summary="fitted method of a model file, as it is or trained further",
            target="fwibench_baselines.pretrained:Pretrained",
            kind="learned",
            options=PretrainedOptions,
            measurements=("seismic", "em"),
            devices=("cpu", "cuda"),
            needs_fit_for={"finetune": (True,)},
        ),
    ]


@hookimpl
def fwibench_importers() -> Iterable[ImporterSpec]:
    """Return the spec of the importer of OpenFWI's checkpoints."""
    return [
        ImporterSpec(
            name="openfwi",
            summary="checkpoints of InversionNet and VelocityGAN that OpenFWI published",
            reference="Deng et al., OpenFWI, NeurIPS 2022; repository lanl/OpenFWI",
            target="fwibench_baselines.openfwi:read_checkpoint",
        )
    ]
