"""A Python environment of one's own, for tests that install packages."""

import subprocess
import sys
import sysconfig
from pathlib import Path


class Environment:
    """Sees all that this environment has; what is installed goes into its own folder, without a network."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        self.python = folder / "bin" / "python"
        (packages,) = folder.glob("lib/python*/site-packages")
        ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        # not by plain lines, which would leave the .pth files there, of editable packages, unread
        lines = [f"import site; site.addsitedir({path!r})\n" for path in sorted(ours)]
        (packages / "ours.pth").write_text("".join(lines))

    def run(self, *arguments: object, cwd: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs Python with these arguments; whatever its exit code."""
        return subprocess.run(
            [self.python, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
        )

    def install(self, *what: object, cwd: Path) -> None:
        """`pip install`, building with the packages that are here."""
        done = self.run("-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation", *what, cwd=cwd)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
