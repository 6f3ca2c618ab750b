"""A folder with what is needed to predict a dataset elsewhere.

Invariant: the folder holds no true map of the test split, in any form: of test samples only measurements and ids are
read. The truth is written to another file, on request.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fwibench.datasets.base import Dataset
from fwibench.datasets.details import describe_problem
from fwibench.errors import UsageError
from fwibench.files.atomic import check_folder, write_text, writing
from fwibench.problem import Problem
from fwibench.runs.artefacts.replacement import publishing
from fwibench.runs.external.targets import Target
from fwibench.runs.opening.truth import seal
from fwibench.samples import ShardedArray, Split


def check_output(folder: Path, truth: Path | None) -> None:
    """Check that the folder and the file with the truth can be written, before any work is done.

    Args:
        folder: Folder to be written.
        truth: File to be written; None for none.

    Raises:
        UsageError: The folder is not empty, or the truth would be in it or replace a file.
        DataError: They cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty; nothing is overwritten", "name a new folder")
    check_folder(folder.parent)
    if truth is None:
        return
    if truth.suffix != ".npz":
        raise UsageError(f"--hidden-truth is {truth}, expected a name that ends with .npz")
    if truth.absolute().resolve().is_relative_to(folder.absolute().resolve()):
        raise UsageError(f"{truth} lies in {folder}, which is handed out", "keep the truth elsewhere")
    if truth.exists():
        raise UsageError(f"{truth} exists", "choose another name, or remove it")
    check_folder(truth.parent)


def export_inputs(dataset: Dataset, target: Target, folder: Path) -> None:
    """Write the folder, complete or not at all.

    Args:
        dataset: Prepared dataset.
        target: Its test samples.
        folder: New or empty folder.

    Raises:
        DataError: The folder cannot be written.
    """
    about = target.about
    scheme = about.dataset.split
    parts = [dataset.split(scheme, "train"), dataset.split(scheme, "val"), seal(target.test)]
    counts = {part.name: len(part) for part in parts}
    with publishing(folder) as new:
        for part in parts:
            _write_split(part, new / part.name)
        facts = {
            "dataset": about.dataset.variant,
            "split": scheme,
            "profile": about.profile,
            "fingerprint": about.dataset.fingerprint,
            "source": about.source,
            "licence": dataset.licence,
            "samples": counts,
        }
        write_text(new / "dataset.json", json.dumps(facts, indent=1) + "\n")
        write_text(new / "problem.json", about.problem.model_dump_json(indent=1) + "\n")
        write_text(new / "README.md", _readme(target, dataset.summary, counts))


def _write_split(part: Split, folder: Path) -> None:
    """Write the samples of a split; those of test without their properties."""
    folder.mkdir()
    write_text(folder / "ids.txt", "".join(f"{sample}\n" for sample in part.ids))
    _write_array(part.measurements, folder / "measurements.npy")
    if part.name != "test":
        _write_array(part.properties, folder / "properties.npy")


def _write_array(array: ShardedArray, path: Path) -> None:
    """Write samples chunk by chunk."""
    with writing(path):
        out = np.lib.format.open_memmap(path, "w+", np.float32, array.shape)
        for first, samples in array.chunks():
            out[first : first + len(samples)] = samples
        out.flush()


def _readme(target: Target, summary: str, counts: dict[str, int]) -> str:
    about = target.about
    problem: Problem = about.problem
    bounds, name = problem.property, about.dataset.variant
    facts = "\n".join(f"- {what}: {text}" for what, text in describe_problem(problem))
    shape = ", ".join(map(str, (counts["test"], *problem.property_shape)))
    return f"""# Inputs of {name}

{summary}. Split {about.dataset.split}, profile {about.profile}, fingerprint
`{about.dataset.fingerprint}`.

| file | content |
|---|---|
| `train/`, `val/` | {counts["train"]} and {counts["val"]} samples: `measurements.npy`, `properties.npy`, `ids.txt` |
| `test/` | {counts["test"]} samples to predict: `measurements.npy`, `ids.txt`; their true maps are not here |
| `problem.json` | grid, survey, physics, property and scaling, in SI units |
| `dataset.json` | name, split, profile, fingerprint and licence |

All arrays are float32; measurements are raw amplitudes. Options are chosen on val.

{facts}

## What to send back

One map of {bounds.name} in {bounds.unit} for each test sample, `({shape})`, depth first (row 0 is at the surface), with
the ids and the fingerprint:

```python
import json
import numpy as np

ids = np.array(open("test/ids.txt").read().split())
fingerprint = json.load(open("dataset.json"))["fingerprint"]
np.savez("predictions.npz", prediction=maps.astype("float32"), ids=ids, fingerprint=fingerprint)
```

Costs are optional: a file `meta.toml` states them, and tables mark them as stated.

```toml
version = "1"
reference = "authors, paper or address"
track = "standard"        # extra-data, if the method was fitted on more than train and val

[costs]                   # each line is optional
parameters = 0            # trained parameters
flops = 0                 # of one sample, forward
fit_s = 0.0               # time of the training [s]
predict_ms_cpu1 = 0.0     # one sample on one CPU thread [ms]
```

They are scored by

```console
$ fwibench score predictions.npz --dataset '{name}' --split {about.dataset.split} --profile {about.profile} \\
    --name our-network --meta meta.toml
```
"""
