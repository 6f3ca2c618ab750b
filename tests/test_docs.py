import re
from pathlib import Path

from fwibench.datasets.dataset import Dataset
from tests.conftest import Command

ROOT = Path(__file__).parents[1]


def test_the_method_in_the_documentation_runs(fwibench: Command, tmp_path: Path, salt: Dataset) -> None:
    text = (ROOT / "docs" / "adding-a-method.md").read_text()
    source = re.search(r"```python\n# plugins/quadratic.py\n(.*?)```", text, re.DOTALL)
    command = re.search(r"```\nfwibench (.*?)\n```", text)
    assert source
    assert command
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "quadratic.py").write_text(source[1])
    done = fwibench(*command[1].split(), "--profile", "smoke")
    assert done.returncode == 0, done.stderr
    assert "quadratic[surface=1500.0]" in done.stdout
    assert "quadratic[surface=1700.0]" in done.stdout
