"""Small files in the layout of OpenFWI."""

from pathlib import Path

from numpy.lib.format import open_memmap

from fwibench.datasets.openfwi.spec import FAMILIES


def write(path: Path, shape: tuple[int, ...], dtype: str = "<f4", value: float = 0.0) -> None:
    """An array that takes little disk: zeros are holes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = open_memmap(path, "w+", dtype=dtype, shape=shape)
    if value:
        array[:] = value


def shard(folder: Path, data: str, model: str, n: int = 3, velocity: float = 2000.0) -> None:
    write(folder / data, (n, 5, 1000, 70))
    write(folder / model, (n, 1, 70, 70), value=velocity)


def family(folder: Path, name: str, train: float = 2000.0, test: float = 2000.0) -> Path:
    """A folder with a train and a test shard of a family, three samples each, with maps of one velocity a shard."""
    shards = list(FAMILIES[name].shards())
    for split, velocity in (("train", train), ("test", test)):
        first = next(one for one in shards if one.split == split)
        shard(folder, first.measurements, first.properties, velocity=velocity)
    return folder
