"""Connection to a Dask cluster, and what it must have in common with this machine.

Invariant: a cluster is refused before any cell starts if its workers would run other code.
"""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path

from distributed import Client
from distributed.comm.core import connect as distributed_connect
from distributed.security import Security
from pydantic import Field, ValidationError

from fwibench.errors import FwibenchError, UsageError
from fwibench.files.atomic import reading, write_text
from fwibench.plugins.registry import Registry
from fwibench.problem import Frozen
from fwibench.runs.execution.engines import remote
from fwibench.text.readable import counted

CONNECT_S = 30
"""Time to wait for the scheduler, and for the first worker [s]."""
DIFFERENCES_SHOWN = 5


class Tls(Frozen):
    """Files for encrypted connections, as `distributed.security.Security` takes them."""

    ca_file: str
    client_cert: str
    client_key: str


class ClusterFile(Frozen):
    """A TOML file that describes a cluster.

    Attributes:
        address: Address of the scheduler, such as `tls://10.0.0.1:8786`; empty if a file names it.
        scheduler_file: File that `dask scheduler --scheduler-file` wrote.
        workers: Number of workers to wait for before the first cell starts.
        wait: Time to wait for them [s].
        common_disk: Whether the workers see the results folder; None finds out. Without a common disk the files of a
            cell come back over the network.
        resources: Resources of a worker that each cell takes, such as `{MEMORY = 8e9}`.
        tls: Files for encrypted connections.
    """

    address: str = ""
    scheduler_file: str = ""
    workers: int = 1
    wait: float = CONNECT_S
    common_disk: bool | None = None
    resources: dict[str, float] = Field(default_factory=dict)
    tls: Tls | None = None


def read_cluster(text: str) -> ClusterFile:
    """Read the value of `--cluster`: an address, a scheduler file, or a TOML file.

    Raises:
        UsageError: The file does not exist or is invalid.
    """
    if text.endswith(".json"):
        return ClusterFile(scheduler_file=text)
    if not text.endswith(".toml"):
        return ClusterFile(address=text)
    if not Path(text).is_file():
        raise UsageError(f"--cluster is {text}: no such file", "see docs/guide/cluster.md")
    with reading(Path(text), "the description of a cluster", "see docs/guide/cluster.md"):
        try:
            found = ClusterFile.model_validate(tomllib.loads(Path(text).read_text()))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise UsageError(f"{text}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if not found.address and not found.scheduler_file:
        raise UsageError(f"{text} names no scheduler", "give address or scheduler_file")
    return found


def connect(cluster: ClusterFile) -> Client:
    """Connect to a cluster and wait for its workers.

    Raises:
        FwibenchError: The scheduler does not answer, or has not enough workers in time.
    """
    where = cluster.address or cluster.scheduler_file
    address = cluster.address
    if cluster.scheduler_file:
        with reading(Path(where), "a scheduler file", "dask scheduler --scheduler-file writes it when it starts"):
            address = str(json.loads(Path(where).read_text())["address"])
    security = Security()
    if cluster.tls is not None:
        tls = cluster.tls
        security = Security(
            tls_ca_file=tls.ca_file,
            tls_client_cert=tls.client_cert,
            tls_client_key=tls.client_key,
            require_encryption=True,
        )
    try:
        # a client that finds no scheduler does not end cleanly
        asyncio.run(_greet(address, security))
        client = Client(address, security=security, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise FwibenchError(f"no scheduler answers at {where}: {error}", "start dask scheduler there first") from error
    try:
        client.wait_for_workers(cluster.workers, timeout=cluster.wait)
    except TimeoutError as error:
        client.close()
        found = len(client.scheduler_info()["workers"]) if client.status == "running" else 0
        raise FwibenchError(
            f"the cluster at {where} has {counted(found, 'worker')}, expected {cluster.workers} within "
            f"{cluster.wait:g} s",
            "start workers with dask worker",
        ) from error
    return client


async def _greet(address: str, security: Security) -> None:
    """Open and close a connection.

    Raises:
        OSError: Nothing answers.
        ValueError: The address is invalid.
    """
    comm = await distributed_connect(address, timeout=CONNECT_S, **security.get_connection_args("client"))
    await comm.close()


def count_places_of(text: str) -> int:
    """Return how many cells a cluster runs at a time.

    Args:
        text: Value of `--cluster`.

    Raises:
        FwibenchError: The cluster cannot be reached.
    """
    with connect(read_cluster(text)) as client:
        return sum(client.nthreads().values())


def check_versions(client: Client, variables: dict[str, str], registry: Registry, needed: Iterable[str]) -> None:
    """Check that all workers have the versions of this process.

    Args:
        client: Connection to the cluster.
        variables: Environment variables that choose the plugins.
        registry: Methods, datasets and metrics of this process.
        needed: Names of what the cells need, as in `remote.describe_versions`.

    Raises:
        UsageError: A worker has other versions.
    """
    here, lines = remote.describe_versions(registry), []
    kinds = ("method ", "dataset ", "metric ")
    names = [name for name in here if not name.startswith(kinds)] + list(needed)
    for worker, there in client.run(remote.describe_worker, variables).items():
        for name in ("plugins", *names):
            if there.get(name) != here.get(name):
                lines.append(f"{name} is {there.get(name, 'absent')} on {worker}, here {here.get(name, 'all right')}")
    if lines:
        more = f", and {len(lines) - DIFFERENCES_SHOWN} more" if len(lines) > DIFFERENCES_SHOWN else ""
        raise UsageError(
            f"the workers differ from this machine: {'; '.join(lines[:DIFFERENCES_SHOWN])}{more}",
            "install the same versions of fwibench, its packages and plugins on all machines",
        )


def is_common(client: Client, root: Path, token: str) -> bool:
    """Return whether all workers see the results folder.

    Args:
        client: Connection to the cluster.
        root: The results folder.
        token: A text that no other command uses.
    """
    path = (root / "runs" / f".{token}.tmp").absolute()
    try:
        write_text(path, token)
        return all(client.run(remote.sees, str(path), token).values())
    finally:
        path.unlink(missing_ok=True)
