import json

from tests.conftest import Command


def test_json_lists_methods(fwibench: Command) -> None:
    methods = json.loads(fwibench("list", "methods", "--json").stdout)
    assert {"invlint", "inversionnet", "mean-map"} <= {method["name"] for method in methods}
