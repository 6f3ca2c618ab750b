"""Where model files come from: a path, an address, or a name in the user's registry of models.

The registry is a TOML file with a table for each name: `url`, `sha256`, `licence` and `card`.

Invariant: a file of the registry is used only if its SHA-256 is the listed one; no file outside of the cache is changed
or removed.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, TypeAdapter

from fwibench.errors import DataError, UnknownNameError
from fwibench.files.atomic import data_root, reading
from fwibench.problem import Frozen
from fwibench.runs.models.archive import SUFFIX
from fwibench.text.readable import shorten

VARIABLE = "FWIBENCH_MODELS"
"""Environment variable with the path of the registry of models."""
Address = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]


class RegisteredModel(Frozen):
    """An entry of the registry of models."""

    url: Address = Field(description="address of the model file, http or https")
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="SHA-256 of the file in hexadecimal, small letters"
    )
    licence: str = Field(description="licence of the weights, such as CC BY 4.0")
    card: str = Field(default="", description="a sentence on the model, or the address of its card")


def registry_path() -> Path:
    """Return the path of the registry: `FWIBENCH_MODELS`, or else `models.toml` in the user's configuration folder."""
    import platformdirs

    return Path(os.environ.get(VARIABLE) or platformdirs.user_config_path("fwibench") / "models.toml")


def registered_models() -> dict[str, RegisteredModel]:
    """Return the models of the registry by name; empty without a registry.

    Raises:
        DataError: The registry cannot be read, or `FWIBENCH_MODELS` names a file that does not exist.
    """
    path = registry_path()
    if not path.exists() and not os.environ.get(VARIABLE):
        return {}
    hint = f"correct it, or {VARIABLE}; a table [NAME] holds url, sha256, licence and card"
    with reading(path, "a registry of models", hint):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(dict[str, RegisteredModel]).validate_python(content)


def is_model(source: str) -> bool:
    """Return whether a text names a model file: a path with its suffix, an address, or a name in the registry.

    Raises:
        DataError: See `registered_models`.
    """
    return source.endswith(SUFFIX) or _is_address(source) or source in registered_models()


def find_model(source: str) -> Path:
    """Return the path of a model file, downloaded if it is not in the cache.

    Args:
        source: Path, address, or name in the registry. An address is downloaded each time, a registered file once.

    Returns:
        The path.

    Raises:
        UnknownNameError: The registry has no such name.
        DataError: The file cannot be downloaded, or has another SHA-256 than the registry says.
    """
    path = Path(source).expanduser()
    if path.is_file() or (source.endswith(SUFFIX) and not _is_address(source)):
        return path
    cache = data_root() / "models"
    if _is_address(source):
        # the content of an address without a known hash may change
        copy = cache / f"{hashlib.sha256(source.encode()).hexdigest()[:16]}{SUFFIX}"
        copy.unlink(missing_ok=True)
        return _download(source, None, copy)
    known = registered_models()
    if source not in known:
        raise UnknownNameError.among("model", source, known, f"({registry_path()} lists models)")
    entry = known[source]
    return _download(entry.url, entry.sha256, cache / f"{entry.sha256[:16]}{SUFFIX}")


def _is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _download(url: str, sha256: str | None, copy: Path) -> Path:
    import pooch
    import requests

    # its logger prints to standard error
    pooch.get_logger().setLevel("WARNING")
    try:
        found = pooch.retrieve(url, sha256 and f"sha256:{sha256}", copy.name, copy.parent)
    except ValueError as error:
        raise DataError(
            f"{url} is not the registered file: its SHA-256 differs from {sha256}",
            f"correct {registry_path()}, or ask who offers the model; nothing was kept",
        ) from error
    except (requests.RequestException, OSError) as error:
        raise DataError(
            f"{url} cannot be downloaded: {shorten(' '.join(str(error).split()), 300)}",
            "check the address and the connection; a downloaded file can be named by its path",
        ) from error
    return Path(found)
