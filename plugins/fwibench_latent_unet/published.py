"""Published results of the Latent U-Net on the validation shards of OpenFWI."""

from __future__ import annotations

from fwibench import Published

FAMILIES = (
    "flatvel-a",
    "flatvel-b",
    "curvevel-a",
    "curvevel-b",
    "flatfault-a",
    "flatfault-b",
    "curvefault-a",
    "curvefault-b",
    "style-a",
    "style-b",
)

SMALL = (
    (22.0, 691.6, 0.9968),
    (28.0, 7833.8, 0.9779),
    (53.2, 16095.1, 0.9076),
    (154.1, 122480.9, 0.7694),
    (15.5, 1250.1, 0.9890),
    (120.1, 47349.7, 0.8060),
    (28.0, 4631.2, 0.9758),
    (223.8, 122783.3, 0.6366),
    (98.0, 26898.9, 0.8835),
    (83.6, 19088.1, 0.7637),
)
"""MAE [m/s], MSE [m2/s2] and SSIM of each family with `repeat=1`."""
LARGE = (
    (9.0, 216.9, 0.9967),
    (28.1, 6464.1, 0.9809),
    (48.1, 12609.7, 0.9273),
    (123.6, 91784.5, 0.8157),
    (30.9, 2348.2, 0.9910),
    (92.9, 33935.1, 0.8515),
    (27.1, 3771.4, 0.9800),
    (185.2, 93249.9, 0.6931),
    (67.0, 14353.6, 0.9298),
    (71.4, 14564.9, 0.8064),
)
"""The same with `repeat=2`."""

SIZES = (("17M", 17_800_000, SMALL), ("33M", 34_700_000, LARGE))
"""Name of a size in the authors' files, its parameters as their README prints them, and its results."""

PUBLISHED = tuple(
    Published(
        dataset=dataset,
        source=f"Zeng et al., ICLR 2025, authors' repository, Metrics_final, UNetInverseModel_{size}",
        mae=mae,
        mse=mse,
        ssim=ssim,
        parameters=parameters,
    )
    for size, parameters, results in SIZES
    for dataset, (mae, mse, ssim) in zip(FAMILIES, results, strict=True)
)
