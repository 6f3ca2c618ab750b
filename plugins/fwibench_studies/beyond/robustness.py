"""Errors on disturbed test samples: the models are those of undisturbed training, so each is trained once."""

from __future__ import annotations

from collections.abc import Mapping

from fwibench import Case, Claim, Quantity, StudySpec
from fwibench_studies.paper.main import EFFORTS
from fwibench_studies.paper.parts import MARMOUSI, SALT

INVLINT, INVERSIONNET, RIDGE = "InvLINT", "InversionNet", "ridge on every pixel"
METHODS = {
    INVLINT: "invlint",
    INVERSIONNET: "inversionnet",
    RIDGE: "pixel-ridge",
    "nearest neighbour": "nearest-neighbour",
}
DATASETS = (SALT, MARMOUSI)
CLEAN = "clean"
Severities = Mapping[str, tuple[float, str]]
"""Position on the axis, and options of the disturbed dataset, by label; no options for undisturbed samples."""

RATIOS: Severities = {
    CLEAN: (0.0, ""),
    # noise over signal, in amplitudes
    **{f"{snr} dB": (10 ** (-snr / 20), f"snr={snr}") for snr in (30, 20, 10, 0)},
}
TRAINED = (CLEAN, "20 dB", "0 dB")
"""Ratios that methods are also trained on; every one takes a training of each method."""
MISSING: Severities = {
    CLEAN: (0.0, ""),
    **{f"{100 * share:g} %": (share, f"missing_traces={share}") for share in (0.05, 0.1, 0.25, 0.5)},
}
WAVELETS: Severities = {
    "-20 %": (-20.0, "wavelet_shift=-0.2"),
    "-10 %": (-10.0, "wavelet_shift=-0.1"),
    CLEAN: (0.0, ""),
    "+10 %": (10.0, "wavelet_shift=0.1"),
    "+20 %": (20.0, "wavelet_shift=0.2"),
}
DELAYS: Severities = {
    CLEAN: (0.0, ""),
    **{f"{1e3 * delay:g} ms": (1e3 * delay, f"time_shift={delay}") for delay in (0.002, 0.005, 0.01, 0.02)},
}
GAINS: Severities = {
    f"x {gain:g}" if gain != 1 else CLEAN: (octaves, f"gain={gain}" if gain != 1 else "")
    for gain, octaves in ((0.25, -2.0), (0.5, -1.0), (1.0, 0.0), (2.0, 1.0), (4.0, 2.0))
}


def robustness_studies() -> list[StudySpec]:
    """Return a study for each kind of disturbance."""
    return [
        _study("noise", "White noise", "noise / signal", RATIOS, trained=True),
        _study("missing-traces", "Missing traces", "share of missing traces", MISSING),
        _study("wavelet-shift", "Wrong peak frequency of the wavelet", "error of the peak frequency [%]", WAVELETS),
        _study("time-shift", "Delayed recordings", "delay [ms]", DELAYS),
        _study("amplitude", "Wrong amplitude", "gain [octaves]", GAINS),
    ]


def _study(name: str, title: str, axis: str, severities: Severities, *, trained: bool = False) -> StudySpec:
    """A study of one disturbance.

    Args:
        name: Name of the study.
        title: What disturbs the samples.
        axis: Label of the horizontal axis.
        severities: How much, column by column.
        trained: Whether the methods are also trained on disturbed samples, on salt.
    """
    cases = [
        Case(
            row=row,
            column=label,
            x=position,
            method=method,
            dataset=dataset,
            test_on=f"{dataset}[{options},noisy=test]" if options else "",
            block=f"{dataset}, disturbed test samples",
        )
        for dataset in DATASETS
        for row, method in METHODS.items()
        for label, (position, options) in severities.items()
    ]
    if trained:
        cases += [
            Case(
                row=row,
                column=label,
                x=position,
                method=method,
                dataset=f"{SALT}[{options}]" if options else SALT,
                block=f"{SALT}, disturbed train and test samples",
            )
            for row, method in METHODS.items()
            for label, (position, options) in severities.items()
            if label in TRAINED
        ]
    return StudySpec(
        name=name,
        title=f"{title}: error against severity",
        summary="error of methods on disturbed samples, and its mean over the axis",
        cases=tuple(cases),
        quantities=(Quantity(key="mae"), Quantity(key="ssim")),
        claims=tuple(
            _claim(f"{dataset}, disturbed test samples", other)
            for dataset in DATASETS
            for other in (INVERSIONNET, RIDGE)
        ),
        efforts=EFFORTS,
        figure="curves",
        row_summary="area",
        x_label=axis,
    )


def _claim(block: str, other: str) -> Claim:
    return Claim(
        kind="better",
        text=f"InvLINT is more robust than {other} on {block}: its mean error over the axis is lower",
        quantity="mae",
        block=block,
        first=INVLINT,
        others=(other,),
    )
