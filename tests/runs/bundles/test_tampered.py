"""Bundles that somebody has changed are rejected, each with its reason; hashes are those of the changed members."""

import pickle
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.plugins.registry import Registry
from fwibench.runs.bundles.layout import member
from fwibench.runs.bundles.reading import open_bundle
from fwibench.runs.bundles.verification import Verdict, verify
from tests.runs.bundles.drafts import Draft, load, save


class Bomb:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("unpickled"),)


@dataclass(frozen=True)
class Known:
    """What somebody who changes a bundle may know.

    Attributes:
        salt: The dataset.
        others: Maps of the other entry of the bundle.
    """

    salt: Dataset
    others: np.ndarray


Change = Callable[[Draft, Known], None]


def better_record(draft: Draft, known: Known) -> None:
    draft.record["scores"]["mae"] *= 0.99


def better_everywhere(draft: Draft, known: Known) -> None:
    for number in range(len(draft.table) - 1):
        draft.set_score("mae", number, 0.99 * float(draft.table[1 + number][1]))
    draft.record["scores"]["mae"] *= 0.99


def slightly_better_sample(draft: Draft, known: Known) -> None:
    draft.set_score("ssim", 1, float(draft.table[2][draft.table[0].index("ssim")]) + 1e-5)


def without_score(draft: Draft, known: Known) -> None:
    draft.set_score("rmse", 0, float("nan"))


def the_truth(draft: Draft, known: Known) -> None:
    draft.set_maps(known.salt.split("random", "test").properties[:])


def one_true_map(draft: Draft, known: Known) -> None:
    truth = draft.about["offset"] + draft.about["scale"] * draft.codes.astype(float)
    truth[1] = known.salt.split("random", "test").properties[1]
    draft.set_maps(truth)


def copied_maps(draft: Draft, known: Known) -> None:
    draft.set_maps(known.others)


def mostly_copied_maps(draft: Draft, known: Known) -> None:
    draft.set_maps(np.concatenate([known.others[:2], 0.9 * known.others[2:]]))


def other_unit(draft: Draft, known: Known) -> None:
    draft.about["offset"] /= 1000
    draft.about["scale"] /= 1000


def infinite(draft: Draft, known: Known) -> None:
    draft.about["scale"] = 1e300


def float_maps_with_nan(draft: Draft, known: Known) -> None:
    draft.codes = np.full(draft.codes.shape, np.nan, np.float16)


def pickled_maps(draft: Draft, known: Known) -> None:
    draft.codes = np.array([Bomb()], dtype=object)


def pickle_instead_of_maps(draft: Draft, known: Known) -> None:
    draft.codes = pickle.dumps(Bomb())


def maps_shorter_than_their_header(draft: Draft, known: Known) -> None:
    stream = BytesIO()
    np.save(stream, draft.codes)
    draft.codes = stream.getvalue().replace(b"'shape': (3,", b"'shape': (9,", 1)


def sample_left_out(draft: Draft, known: Known) -> None:
    del draft.table[2]
    draft.codes = np.delete(draft.codes, 1, axis=0)


def sample_twice(draft: Draft, known: Known) -> None:
    draft.table[2] = draft.table[1]


def train_samples(draft: Draft, known: Known) -> None:
    draft.table[1][0] = known.salt.split("random", "train").ids[0]


def invented_sample(draft: Draft, known: Known) -> None:
    draft.table[1][0] = "salt-999999"


def other_order(draft: Draft, known: Known) -> None:
    draft.table[1:] = draft.table[:0:-1]
    draft.codes = draft.codes[::-1]


def other_dataset(draft: Draft, known: Known) -> None:
    draft.record["cell"]["fingerprint"] = "0" * 64


def other_split(draft: Draft, known: Known) -> None:
    draft.record["cell"]["split"] = "../random"


def fewer_samples(draft: Draft, known: Known) -> None:
    draft.record["cell"]["test_samples"] = 2


def other_metric_version(draft: Draft, known: Known) -> None:
    draft.about["metrics"]["rmse"] = "1"


def no_mae(draft: Draft, known: Known) -> None:
    del draft.about["metrics"]["mae"], draft.record["scores"]["mae"]
    for line in draft.table:
        del line[1]


def failed_run(draft: Draft, known: Known) -> None:
    draft.record["status"] = "diverged"


def no_environment(draft: Draft, known: Known) -> None:
    draft.record["environment"] = {}


def versions_that_are_no_texts(draft: Draft, known: Known) -> None:
    draft.record["environment"]["packages"]["torch"] = {"version": 2}


def unknown_track(draft: Draft, known: Known) -> None:
    draft.record["track"] = "best"


def negative_time(draft: Draft, known: Known) -> None:
    draft.record["costs"]["fit_s"] = -1.0


def impossible_latency(draft: Draft, known: Known) -> None:
    draft.record["complexity"] |= {"flops": 10**10, "macs": 5 * 10**9}
    draft.record["costs"]["predict_ms_cpu1"] = 1e-3


def impossible_throughput(draft: Draft, known: Known) -> None:
    draft.record["complexity"] |= {"flops": 10**10, "macs": 5 * 10**9}
    draft.record["costs"]["throughput_per_s"] = 1e9


def fewer_operations_than_products(draft: Draft, known: Known) -> None:
    draft.record["complexity"] |= {"flops": 10, "macs": 100}


def no_time_at_all(draft: Draft, known: Known) -> None:
    draft.record["costs"]["predict_ms_cpu1"] = 0.0


def maps_of_another_shape(draft: Draft, known: Known) -> None:
    draft.codes = draft.codes[..., :50]


def groups_that_the_dataset_does_not_have(draft: Draft, known: Known) -> None:
    for line, group in zip(draft.table, ("group", "a", "a", "b"), strict=True):
        line.insert(1, group)


def score_that_the_manifest_does_not_list(draft: Draft, known: Known) -> None:
    draft.record["scores"]["ours"] = 1.0


def no_parameters(draft: Draft, known: Known) -> None:
    draft.record["kind"] = "learned"
    draft.record["complexity"] |= {"parameters": 0, "parameters_closed_form": 0}


def other_kind(draft: Draft, known: Known) -> None:
    draft.record["kind"] = "baseline"


def predicted_elsewhere_and_measured(draft: Draft, known: Known) -> None:
    draft.record["cell"] |= {"external": True, "method": "ours"}
    draft.record |= {"kind": "external", "origin": {"file": "a.npy", "sha256": "0"}, "costs_source": "measured"}


def predicted_elsewhere_with_another_name(draft: Draft, known: Known) -> None:
    draft.record["cell"]["external"] = True
    draft.record |= {"kind": "external", "origin": {"file": "a.npy", "sha256": "0"}, "costs_source": "stated"}


def predicted_elsewhere_of_another_kind(draft: Draft, known: Known) -> None:
    draft.record["cell"] |= {"external": True, "method": "ours"}
    draft.record["costs_source"] = "stated"


def run_with_an_origin(draft: Draft, known: Known) -> None:
    draft.record["origin"] = {"file": "a.npy", "sha256": "0"}


def more_train_samples(draft: Draft, known: Known) -> None:
    draft.record["n_train"] = 1000


def path_of_the_dataset(draft: Draft, known: Known) -> None:
    draft.record["cell"]["dataset_options"] = {"path": "../data"}


def path_in_the_command(draft: Draft, known: Known) -> None:
    draft.record["environment"]["command"] = ["fwibench", "run", "--results", "/home/someone/secret/results"]


def unknown_field(draft: Draft, known: Known) -> None:
    draft.record["rank"] = 1


def newer_record(draft: Draft, known: Known) -> None:
    draft.record |= {"format": 99, "cells": []}


def time_that_is_none(draft: Draft, known: Known) -> None:
    draft.manifest["created"] = "yesterday"


def written_in_the_future(draft: Draft, known: Known) -> None:
    draft.manifest["created"] = "2999-01-01T00:00:00Z"


TAMPERED: dict[Change, str] = {
    better_record: "scores: mae is .* in its record, computed again",
    better_everywhere: "scores: mae of 3 of 3 samples is not that of its predictions: .* computed again",
    slightly_better_sample: "scores: ssim of 1 of 3 samples is not that of its predictions",
    without_score: "scores: rmse of 1 of 3 samples is not that of its predictions",
    the_truth: "predictions: 3 of 3 maps are the truth",
    one_true_map: "predictions: 1 of 3 maps are the truth",
    copied_maps: "copies: 3 of 3 maps are those of salt-random-smoke-elsewhere-s0-.* in tampered.zip",
    mostly_copied_maps: "copies: 2 of 3 maps are those of salt-random-smoke-elsewhere-s0",
    other_unit: "predictions: 100% of the nodes are far outside of the bounds .* expected 1500 to 4500 m/s",
    infinite: "predictions: 3 of 3 maps hold NaN or infinite values",
    float_maps_with_nan: r"predictions.npy holds float16 of shape \(3, 1, 40, 60\), expected uint16",
    pickled_maps: "predictions.npy holds pickled Python objects, which are not read",
    pickle_instead_of_maps: "predictions.npy cannot be read as an array",
    maps_shorter_than_their_header: r"predictions.npy cannot be read as an array: .* shape \(9, 1, 40, 60\) takes",
    sample_left_out: "samples: 1 ids are missing: salt-",
    sample_twice: "scores.csv has a sample twice",
    train_samples: "samples: 1 ids are of train or val: salt-",
    invented_sample: "samples: 1 ids are of no test sample: salt-999999",
    other_order: "samples: its ids are not in the order of the test split",
    other_dataset: "samples: salt .smoke. has the fingerprint [0-9a-f]{12} on this machine, 000000000000 in the result",
    other_split: "its names make the run",
    fewer_samples: "samples: 1 ids are of no test sample",
    other_metric_version: "metrics: rmse has version 1, expected 2",
    no_mae: "metrics: it has no score of mae",
    failed_run: "record: its status is diverged, expected ok",
    no_environment: "record: its environment names no packages",
    versions_that_are_no_texts: "record: its environment names no packages, or versions that are no texts",
    unknown_track: "record: its track is best, expected standard, oracle-start, extra-data",
    negative_time: "costs.fit_s: Input should be greater than or equal to 0",
    impossible_latency: r"costs: 1e\+10 FLOPs in 0.001 ms on one CPU thread are more than any computes",
    impossible_throughput: r"costs: 1e\+09 samples of 1e\+10 FLOPs per second are more than any device computes",
    fewer_operations_than_products: "costs: it has 10 FLOPs and 100 MACs",
    no_time_at_all: "costs: predict_ms_cpu1 is 0",
    maps_of_another_shape: r"samples: its maps are \(1, 40, 50\), those of the dataset \(1, 40, 60\)",
    groups_that_the_dataset_does_not_have: "samples: the groups of its samples are not those of the dataset",
    score_that_the_manifest_does_not_list: "metrics: its record has scores of .*, ours, the manifest of mae",
    no_parameters: "costs: it is learned and has no parameters",
    other_kind: "record: its kind is baseline, pixel-ridge is closed-form",
    predicted_elsewhere_and_measured: "costs: its costs are measured, those of predictions made elsewhere can only be",
    predicted_elsewhere_with_another_name: "record: pixel-ridge is the name of a method of baselines",
    predicted_elsewhere_of_another_kind: "record: its predictions were made elsewhere, but its kind is closed-form",
    run_with_an_origin: "record: it states where its predictions were made, but is the result of a run",
    more_train_samples: "samples: its n_train is 1000, that of the dataset is 14",
    path_of_the_dataset: "record: it names files of a machine",
    path_in_the_command: "record: it names files of a machine",
    unknown_field: "rank: Extra inputs are not permitted",
    time_that_is_none: "created: Value error, time data 'yesterday' does not match",
    written_in_the_future: "was written in the future: 2999-01-01",
    newer_record: "has result format 99, this fwibench reads 2",
}


def reasons(verdict: Verdict) -> list[str]:
    found = [verdict.fault] if verdict.fault else []
    return found + [
        f"{name}: {reason}" for one in verdict.findings for name, given in one.faults.items() for reason in given
    ]


@pytest.mark.parametrize(("change", "reason"), TAMPERED.items(), ids=[change.__name__ for change in TAMPERED])
def test_tampered_bundle_is_rejected_with_its_reason(
    change: Change,
    reason: str,
    honest: Path,
    salt: Dataset,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    draft = load(honest)
    change(draft, Known(salt, open_bundle(honest).entries[1].predictions()))
    verdict = verify(save(draft, tmp_path / "tampered.zip"), registry)
    assert verdict.result == "rejected"
    assert any(re.search(reason, given) for given in reasons(verdict)), reasons(verdict)
    assert not (tmp_path / "unpickled").exists()


def test_unchanged_draft_passes(honest: Path, registry: Registry, tmp_path: Path) -> None:
    verdict = verify(save(load(honest), tmp_path / "unchanged.zip"), registry)
    assert (verdict.result, reasons(verdict)) == ("passed", [])


def test_record_of_another_cell_is_rejected(honest: Path, registry: Registry, tmp_path: Path) -> None:
    draft = load(honest)
    draft.record["cell"]["seed"] = 7
    verdict = verify(save(draft, tmp_path / "tampered.zip", key=False), registry)
    assert "is of the cell" in verdict.fault


def test_changed_member_is_rejected_where_the_manifest_is_not(honest: Path, registry: Registry, tmp_path: Path) -> None:
    (key, *_) = (entry.key for entry in open_bundle(honest).entries)
    tampered = tmp_path / "tampered.zip"
    with zipfile.ZipFile(honest) as source, zipfile.ZipFile(tampered, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(
                name, content.replace(b"standard", b"extra-da") if name == member(key, "record.json") else content
            )
    verdict = verify(tampered, registry)
    assert "record.json is not the one that was packed, its SHA-256 differs" in verdict.fault
