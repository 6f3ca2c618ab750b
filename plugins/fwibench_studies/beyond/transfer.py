"""Methods trained on one dataset and tested on another, without further training."""

from __future__ import annotations

from collections.abc import Sequence

from fwibench import Case, Effort, Quantity, StudySpec
from fwibench_studies.beyond.robustness import INVERSIONNET, INVLINT, RIDGE
from fwibench_studies.paper.main import FAST

VELOCITY = ("flatvel-a", "curvevel-a", "flatvel-b", "curvevel-b")
FAMILIES = (*VELOCITY, "flatfault-a", "flatfault-b", "curvefault-a", "curvefault-b", "style-a", "style-b")
MIXED = ("flatvel-a", "curvevel-a", "flatfault-a", "style-a")


def transfer_studies() -> list[StudySpec]:
    """Return the studies of transfer between families of maps."""
    four = {INVLINT: "invlint", INVERSIONNET: "inversionnet", RIDGE: "pixel-ridge"}
    ten = {INVLINT: "invlint", RIDGE: "pixel-ridge"}
    return [
        _matrix("transfer", "Transfer between four families of OpenFWI", MIXED, four),
        _matrix("openfwi-transfer", "Transfer between the ten families of OpenFWI", FAMILIES, ten),
        _left_out(),
    ]


def _left_out() -> StudySpec:
    return StudySpec(
        name="openfwi-left-out",
        title="Nine families of OpenFWI for training, the tenth for the test",
        summary="error on the test samples of a family that training has not seen",
        reference="families of Deng et al., OpenFWI, NeurIPS 2022",
        cases=tuple(
            Case(block="openfwi", row=label, column=family, method=method, dataset="openfwi", split=f"without-{family}")
            for label, method in {INVLINT: "invlint", INVERSIONNET: "inversionnet", RIDGE: "pixel-ridge"}.items()
            for family in FAMILIES
        ),
        quantities=(Quantity(key="mae"), Quantity(key="ssim")),
        efforts={
            "smoke": Effort(settings={"invlint": {"epochs": 2}, "inversionnet": {"epochs": 1}}),
            # no budget: reading 10 GB for the regression takes the most of a minute where the page cache is smaller
            "quick": Effort(without=(INVERSIONNET,), settings={"invlint": {"max_batches": 900}}),
            "paper": Effort(seeds=3, settings=FAST),
        },
        figure="matrix",
        notes=("InversionNet is left out in profile quick, where an epoch of 7,200 samples takes ten minutes.",),
    )


def _matrix(name: str, title: str, families: Sequence[str], methods: dict[str, str]) -> StudySpec:
    return StudySpec(
        name=name,
        title=title,
        summary="error on the test samples of the family of the column after training on that of the row",
        reference="families of Deng et al., OpenFWI, NeurIPS 2022",
        cases=tuple(
            Case(
                block=label,
                row=f"trained on {source}",
                column=target,
                method=method,
                dataset=source,
                test_on="" if source == target else target,
            )
            for label, method in methods.items()
            for source in families
            for target in families
        ),
        quantities=(Quantity(key="mae"), Quantity(key="ssim")),
        efforts={
            "smoke": Effort(settings={"invlint": {"epochs": 2}, "inversionnet": {"epochs": 1}}),
            "quick": Effort(budget=60.0, settings=FAST),
            "paper": Effort(seeds=3, settings=FAST),
        },
        figure="matrix",
    )
