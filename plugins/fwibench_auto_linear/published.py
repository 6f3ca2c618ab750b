"""Published results of Auto-Linear.

Those on OpenFWI are errors of the authors' files, measured by others (Invertible X-Net, arXiv 2410.11247, evaluation
of its repository); the one on the reservoir is that of a later publication of the same group.
"""

from __future__ import annotations

from fwibench import Published

ON_OPENFWI = "authors' files, measured by the repository of arXiv 2410.11247"

AUTO_LINEAR = (
    Published(
        dataset="kimberlina-reservoir",
        source="HINT (arXiv 2410.08498), table 3",
        mae=0.0044,
        mse=1.92e-4,
        ssim=0.97,
        note="Of 750 training and 30 test samples.",
    ),
    *(
        Published(dataset=dataset, source=ON_OPENFWI, mae=mae, ssim=ssim)
        for dataset, mae, ssim in (
            ("flatvel-a", 12.2, 0.9888),
            ("flatvel-b", 70.1, 0.9044),
            ("curvevel-a", 110.7, 0.8057),
            ("curvevel-b", 273.0, 0.6169),
            ("flatfault-a", 24.6, 0.9701),
            ("flatfault-b", 181.4, 0.6866),
            ("curvefault-a", 41.4, 0.9425),
            ("curvefault-b", 268.5, 0.5695),
            ("style-a", 107.9, 0.8423),
            ("style-b", 95.6, 0.7275),
        )
    ),
)
