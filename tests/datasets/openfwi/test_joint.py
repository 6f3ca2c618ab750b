"""The ten families as one dataset."""

from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Shards
from fwibench.datasets.openfwi.joint import Joint, _shorten
from fwibench.datasets.openfwi.spec import FAMILIES, JOINT, WITHOUT
from fwibench.errors import DataError, UnknownNameError, UsageError
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import choose_scheme, open_dataset
from tests.datasets.openfwi.shards import family


@pytest.fixture
def joint(registry: Registry) -> Joint:
    return open_dataset(registry, "openfwi", "smoke")


def ids(joint: Joint, scheme: str, split: str) -> list[str]:
    return [joint.sample_id(int(number)) for number in joint.indices(scheme)[split]]


def own_ids(joint: Joint, split: str, without: str = "") -> list[str]:
    """Ids of a split of the families, made by the families themselves."""
    return [
        f"{one.spec.name}-{number:06d}"
        for one in joint.families
        if one.spec.name != without
        for number in one.indices("random")[split]
    ]


def test_random_split_joins_the_splits_of_the_families(joint: Joint) -> None:
    for split in ("train", "val", "test"):
        assert ids(joint, "random", split) == own_ids(joint, split)
    assert joint.size == sum(one.size for one in joint.families)


def test_family_that_is_left_out_is_tested_alone(joint: Joint) -> None:
    assert joint.spec.schemes == ("random", *(f"{WITHOUT}{name}" for name in FAMILIES))
    for name, one in zip(FAMILIES, joint.families, strict=True):
        scheme = f"{WITHOUT}{name}"
        for split in ("train", "val"):
            assert ids(joint, scheme, split) == own_ids(joint, split, without=name)
        assert ids(joint, scheme, "test") == [f"{name}-{number:06d}" for number in one.indices("random")["test"]]
    with pytest.raises(UnknownNameError, match="without-marmousi"):
        choose_scheme(joint, "without-marmousi")


def test_ids_do_not_depend_on_the_profile(registry: Registry, joint: Joint) -> None:
    larger = open_dataset(registry, "openfwi", "quick")
    assert larger.sample_id(1000 + 3) == joint.sample_id(26 + 3) == "flatvel-b-000003"


def test_amplitudes_are_the_widest_of_the_families(joint: Joint) -> None:
    problems = [one.problem for one in joint.families]
    assert joint.problem.amplitude.low == min(one.amplitude.low for one in problems)
    assert joint.problem.amplitude.high == max(one.amplitude.high for one in problems)
    assert {one.model_copy(update={"amplitude": joint.problem.amplitude}) for one in problems} == {joint.problem}


def test_shards_of_a_larger_profile_are_not_numbered() -> None:
    paths = tuple(map(Path, "abc"))
    for count, rows in ((26, (26,)), (50, (50,)), (51, (50, 1)), (120, (50, 50, 20)), (150, (50, 50, 50))):
        found = _shorten(Shards(paths, paths, (50, 50, 50)), count)
        assert found.counts == rows
        assert found.measurements == found.properties == paths[: len(rows)]
    assert _shorten(Shards((), (), ()), 3) == Shards((), (), ())


def test_missing_samples_are_those_of_the_families(
    joint: Joint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path))
    fresh = Joint(joint.spec, joint.options, "smoke")
    assert not fresh.prepared()
    assert fresh.folder == tmp_path
    sample = 4 * (np.prod(fresh.problem.measurement_shape) + np.prod(fresh.problem.property_shape))
    assert fresh.missing_bytes() == pytest.approx(fresh.size * sample, rel=0.01)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Folder of original files, whose maps have another velocity in each family and split."""
    for number, name in enumerate(FAMILIES):
        folder = name if number % 2 else name.replace("-", "_").upper()
        family(tmp_path / folder, name, 2000.0 + 10 * number, 3000.0 + 10 * number)
    return tmp_path


def test_samples_are_those_of_the_families_files(registry: Registry, files: Path) -> None:
    joint = open_dataset(registry, "openfwi", "smoke", {"path": str(files)})
    joint.prepare()
    assert (joint.source, joint.prepared(), joint.verify()) == ("files", True, [])
    split = joint.split("without-curvevel-b", "test")
    number = list(FAMILIES).index("curvevel-b")
    assert set(split.ids) == {f"curvevel-b-{i:06d}" for i in (3, 4, 5)}
    assert np.unique(split.properties[:]) == 3000.0 + 10 * number
    train = joint.split("random", "train")
    for sample, velocity in zip(train.ids, train.properties[:][:, 0, 0, 0], strict=True):
        assert velocity == 2000.0 + 10 * list(FAMILIES).index(sample.rpartition("-")[0])
    assert set(joint.samples_in_files().values()) == {3}


def test_sample_has_the_noise_that_it_has_in_its_family(registry: Registry, files: Path) -> None:
    noisy = {"missing_traces": "0.3", "simulator_noise": "0.1"}
    for path in files.glob("*/*.npy"):
        array = np.load(path, mmap_mode="r+")
        if array.shape[1] == 5:
            array[:] = 1.0
    joint = open_dataset(registry, "openfwi", "smoke", {"path": str(files), **noisy})
    alone = open_dataset(registry, "style-b", "smoke", {"path": str(files / "style-b"), **noisy})
    for name in ("train", "test"):
        ours, theirs = joint.split("random", name), alone.split("random", name)
        rows = [ours.ids.index(sample) for sample in theirs.ids]
        together, single = ours.measurements[np.array(rows)], theirs.measurements[:]
        assert np.array_equal(together, single)
        assert (single == 0).any()
    assert joint.noise("test") is not None
    assert open_dataset(registry, "openfwi", "smoke").noise("train") is None


def test_missing_family_and_lone_protocol_give_errors(registry: Registry, files: Path) -> None:
    (files / "style-b").rename(files / "elsewhere")
    with pytest.raises(DataError, match="no folder for style-b"):
        _ = open_dataset(registry, "openfwi", "smoke", {"path": str(files)}).size
    with pytest.raises(DataError, match="cannot be listed"):
        _ = open_dataset(registry, "openfwi", "smoke", {"path": str(files / "nowhere")}).size
    with pytest.raises(UsageError, match="protocol=openfwi without path"):
        open_dataset(registry, "openfwi", "smoke", {"protocol": "openfwi"})


def test_spec_is_listed_with_its_families_caveats(registry: Registry) -> None:
    assert registry.dataset("openfwi").spec == JOINT
    low, high = min(one.low for one in FAMILIES.values()), max(one.high for one in FAMILIES.values())
    assert any(f"{low} to {high}" in caveat for caveat in JOINT.caveats)
