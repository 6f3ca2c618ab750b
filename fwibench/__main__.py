"""`python -m fwibench`."""

import sys
from pathlib import Path

# `-m` puts the working directory in front of the path; what lies there by chance is no plugin
if not sys.flags.safe_path and sys.path and Path(sys.path[0] or ".").resolve() == Path.cwd():
    del sys.path[0]

from fwibench.cli.start import main

if __name__ == "__main__":
    main()
