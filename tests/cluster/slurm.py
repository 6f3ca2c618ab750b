"""A SLURM cluster of one node, this machine, with two CPUs: controller and node daemon, without systemd."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "munged")
CONFIGURATION = """\
ClusterName=one-node
SlurmctldHost={host}
SlurmctldPort={port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
NodeName={host} CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES
"""


def missing() -> str:
    """Return why the cluster cannot be started here; empty if it can."""
    if absent := [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]:
        return f"{', '.join(absent)} not installed; make test-cluster installs them as root"
    return "" if os.getuid() == 0 else "only root starts the daemons of SLURM"


class OneNode:
    """The running cluster.

    Attributes:
        environment: Variables with which its commands find it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("state", "spool"):
            (folder / name).mkdir(parents=True)
        host = socket.gethostname().partition(".")[0]
        configuration = folder / "slurm.conf"
        ports = {"port": _free_port(), "node_port": _free_port()}
        configuration.write_text(CONFIGURATION.format(host=host, folder=folder, **ports))
        self.environment = {**os.environ, "SLURM_CONF": str(configuration), "PATH": _path()}
        self._munge = _start_munge()
        for daemon in ("slurmctld", "slurmd"):
            subprocess.run([daemon], env=self.environment, check=True, timeout=60)
        self._wait_until_idle()

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """Run a command of SLURM, and return what it prints."""
        done = subprocess.run(command, env=self.environment, cwd=cwd, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(f"{command} failed: {done.stderr}")
        return done.stdout.strip()

    def state(self, job: str) -> str:
        """Return the state of a job, such as `RUNNING` or `COMPLETED`."""
        facts = self.run("scontrol", "show", "job", job).split()
        return next(fact.partition("=")[2] for fact in facts if fact.startswith("JobState="))

    def stop(self) -> None:
        """End the daemons."""
        with suppress(RuntimeError):
            self.run("scancel", "--user", "root")
        for daemon in ("slurmd", "slurmctld"):
            with suppress(OSError, ValueError):
                os.kill(int((self._folder / f"{daemon}.pid").read_text()), signal.SIGTERM)
        if self._munge is not None:
            self._munge.terminate()
            self._munge.wait()

    def _wait_until_idle(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(RuntimeError):
                if self.run("sinfo", "--noheader", "--format", "%T") == "idle":
                    return
            time.sleep(0.2)
        logs = "\n".join((self._folder / f"{name}.log").read_text()[-2000:] for name in ("slurmctld", "slurmd"))
        raise RuntimeError(f"the node does not become idle:\n{logs}")


def _start_munge() -> subprocess.Popen[bytes] | None:
    """Start the authentication daemon, unless it runs."""
    if subprocess.run(["munge", "-n"], capture_output=True, timeout=30).returncode == 0:
        return None
    run = Path("/run/munge")
    run.mkdir(exist_ok=True)
    shutil.chown(run, "munge", "munge")
    daemon = subprocess.Popen(["runuser", "-u", "munge", "--", "munged", "--foreground"], env={"PATH": _path()})
    deadline = time.monotonic() + 30
    while subprocess.run(["munge", "-n"], capture_output=True, timeout=30).returncode:
        if time.monotonic() > deadline or daemon.poll() is not None:
            raise RuntimeError("munged does not start")
        time.sleep(0.2)
    return daemon


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("", 0))
        port: int = one.getsockname()[1]
        return port


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
