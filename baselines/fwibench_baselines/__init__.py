"""Built-in baselines as a plugin: specs and options; the code is imported when a method is built."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field, PositiveFloat

from fwibench import Frozen, MethodSpec, TrainingOptions, hookimpl
from fwibench_baselines.fwi.options import OracleOptions, StartOptions
from fwibench_baselines.published import INVERSIONNET, MULTISCALE_FWI, VELOCITYGAN

BATCH = "samples a step, at most; batches of an epoch are even, and of two at least for batch normalisation"


class InversionNetOptions(TrainingOptions):
    """Defaults are OpenFWI's recipe: L1 loss, AdamW at a constant 1e-4, 120 epochs, batches of 256."""

    batch_size: int = Field(default=256, ge=2, description=BATCH)
    learning_rate: float = Field(default=1e-4, gt=0, description="highest learning rate")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="first momentum of AdamW")
    log: bool = Field(
        default=True, description="logarithm of seismic amplitudes before they are scaled, as OpenFWI has it"
    )


class VelocityGANOptions(TrainingOptions):
    """Defaults are OpenFWI's recipe: AdamW at a constant 1e-4 for both networks, 500 epochs, batches of 64."""

    epochs: int = Field(default=500, ge=1, description="passes over the train split")
    batch_size: int = Field(default=64, ge=2, description=BATCH)
    learning_rate: float = Field(default=1e-4, gt=0, description="highest learning rate")
    beta1: float = Field(default=0.0, ge=0, lt=1, description="first momentum of AdamW")
    beta2: float = Field(default=0.9, ge=0, lt=1, description="second momentum of AdamW")
    log: bool = Field(
        default=True, description="logarithm of seismic amplitudes before they are scaled, as OpenFWI has it"
    )
    n_critic: int = Field(default=5, ge=1, description="batches that the critic learns from before the generator does")
    gradient_penalty: float = Field(default=10.0, ge=0, description="weight of the gradient penalty (lambda)")
    l1_weight: float = Field(default=100.0, ge=0, description="weight of the mean absolute error")
    adversarial_weight: float = Field(default=1.0, ge=0, description="weight of the critic's score")


class FeatureOptions(Frozen):
    """Options of the baselines that work on block-averaged measurements."""

    features: int = Field(default=4096, ge=1, description="at most so many block averages of a measurement")


class PixelRidgeOptions(FeatureOptions):
    """Options of pixel-ridge."""

    alpha: PositiveFloat | Literal["val"] = Field(default="val", description="penalty on standardised features")


@hookimpl
def fwibench_methods() -> Iterable[MethodSpec]:
    """The baselines."""
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
                },
            },
            devices=("cpu", "cuda"),
            measurements=("seismic", "em"),
            min_train=2,
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
                    "n_critic": 1,
                },
            },
            measurements=("seismic", "em"),
            min_train=2,
            devices=("cpu", "cuda"),
            published=VELOCITYGAN,
        ),
        MethodSpec(
            name="mean-map",
            summary="the mean of the training maps, whatever is measured",
            target="fwibench_baselines.mean_map:MeanMap",
            kind="baseline",
            measurements=("seismic", "em"),
            deterministic=True,
        ),
        MethodSpec(
            name="nearest-neighbour",
            summary="the map of the training sample with the nearest measurement",
            target="fwibench_baselines.nearest_neighbour:NearestNeighbour",
            kind="baseline",
            options=FeatureOptions,
            measurements=("seismic", "em"),
            deterministic=True,
        ),
        MethodSpec(
            name="pixel-ridge",
            summary="ridge regression from measurements to every node of the map",
            target="fwibench_baselines.pixel_ridge:PixelRidge",
            kind="closed-form",
            options=PixelRidgeOptions,
            measurements=("seismic", "em"),
            deterministic=True,
        ),
        MethodSpec(
            name="multiscale-fwi",
            summary="waveform inversion from low to high frequencies, from the mean training map or another start",
            reference="InvLINT, section 4.5; Virieux and Operto, Geophysics 2009",
            target="fwibench_baselines.fwi.method:MultiscaleFWI",
            kind="iterative",
            options=StartOptions,
            profiles={"smoke": {"iterations": 2}},
            physics=("acoustic",),
            devices=("cpu", "cuda"),
            needs_fit_for={"start": ("train-mean", "train-gradient")},
            start_option="start",
            version="2",
            published=MULTISCALE_FWI,
        ),
        MethodSpec(
            name="multiscale-fwi-oracle",
            summary="waveform inversion from the smoothed truth: what a perfect start is worth",
            reference="InvLINT, section 4.5",
            target="fwibench_baselines.fwi.method:OracleFWI",
            kind="iterative",
            options=OracleOptions,
            profiles={"smoke": {"iterations": 2}},
            physics=("acoustic",),
            devices=("cpu", "cuda"),
            needs_fit=False,
            track="oracle-start",
            version="2",
        ),
    ]
