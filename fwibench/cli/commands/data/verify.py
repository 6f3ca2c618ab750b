"""`data verify`: check the files of datasets and their agreement with the physics."""

from __future__ import annotations

from fwibench.cli.console.agreements import print_agreements
from fwibench.cli.console.output import print_line, warn
from fwibench.cli.datasets import open_datasets
from fwibench.cli.options import DatasetNames, DatasetProfile
from fwibench.errors import DataError


def verify(name: DatasetNames, profile: DatasetProfile = "quick") -> None:
    """Check the files, hashes and values of datasets, and compare stored samples with new simulations."""
    faults, repairs = [], []
    for dataset in open_datasets(name, profile):
        found = dataset.verify()
        agreements = [] if found else dataset.check_physics()
        print_agreements(f"{dataset.spec.name} ({dataset.source}): stored and simulated again", agreements)
        differing = [
            f"measurement {one.number} differs from the simulation of its map by {one.residual:.1e} in relative L2, "
            f"expected {dataset.tolerance:g} or less"
            for one in agreements
            if not one.residual <= dataset.tolerance
        ]
        faults += [f"{dataset.spec.name}: {fault}" for fault in (*found, *differing)]
        repairs += [dataset.repair] * bool(found) + [dataset.repair_physics] * bool(differing)
        for doubt in [] if found else dataset.warnings():
            warn(f"{dataset.spec.name}: {doubt.removeprefix('warning: ')}")
    if faults:
        raise DataError("; ".join(faults), "; ".join(dict.fromkeys(repairs)))
    print_line("no faults found")
