"""Broken plugins: the stage at which each breaks, a part of the reason, and its source."""

HEAD = """
from fwibench import MethodSpec, hookimpl


def spec(name, **fields):
    return MethodSpec(name=name, summary="x", target="a:b", kind="baseline", **fields)


@hookimpl
def fwibench_methods():
    """

FAULTS = {
    "raises at import": ("import", "ZeroDivisionError: division by zero", "1 / 0"),
    "imports what is not there": ("import", "No module named 'no_such_module'", "import no_such_module"),
    "exits at import": ("import", "SystemExit: 3", "import sys; sys.exit(3)"),
    "has a syntax error": ("import", "SyntaxError", "def"),
    "misspells a hook": (
        "register",
        "there is no hook named 'fwibench_metods' (did you mean fwibench_methods",
        HEAD.replace("fwibench_methods", "fwibench_metods") + "return []",
    ),
    "forgets the marker of a hook": (
        "register",
        "fwibench_methods is not marked as a hook (put @hookimpl above it",
        HEAD.replace("@hookimpl", "") + "return []",
    ),
    "takes an argument that the hook has not": (
        "register",
        "definition: fwibench_methods(config)",
        HEAD.replace("methods()", "methods(config)") + "return []",
    ),
    "raises in a hook": ("fwibench_methods", "RuntimeError: boom", HEAD + "raise RuntimeError('boom')"),
    "exits in a hook": ("fwibench_methods", "SystemExit: 0", HEAD + "raise SystemExit(0)"),
    "has an error whose text cannot be had": (
        "fwibench_methods",
        "Mute",
        "class Mute(Exception):\n    def __str__(self):\n        raise ValueError\n" + HEAD + "raise Mute",
    ),
    "raises while it is iterated": (
        "fwibench_methods",
        "RuntimeError: boom",
        HEAD + "raise RuntimeError('boom'); yield",
    ),
    "returns nothing": ("fwibench_methods", "returned nothing, expected a list of MethodSpec", HEAD + "spec('x')"),
    "returns one spec": ("fwibench_methods", "returned one MethodSpec, expected a list", HEAD + "return spec('x')"),
    "returns something else": ("fwibench_methods", "returned str, expected MethodSpec", HEAD + "return ['name']"),
    "has an invalid spec": (
        "fwibench_methods",
        "MethodSpec: name: String should match pattern '^[a-z][a-z0-9-]*$', got 'Not A Name'",
        HEAD + "return [spec('Not A Name')]",
    ),
    "has a field that specs do not have": (
        "fwibench_methods",
        "MethodSpec: trained_on: Extra inputs are not permitted, got 'train'",
        HEAD + "return [spec('x-field', trained_on='train')]",
    ),
    "has a preset that its options refuse": (
        "fwibench_methods",
        "'x-preset': the preset of profile quick cannot be used: NoOptions: epochs: Extra inputs are not permitted",
        HEAD + "return [spec('x-preset', profiles={'quick': {'epochs': 3}})]",
    ),
    "has options without defaults": (
        "fwibench_methods",
        "'x-bare': the defaults of the options cannot be used: Options: depth: Field required",
        "from fwibench import Frozen\nclass Options(Frozen):\n    depth: int\n"
        + HEAD
        + "return [spec('x-bare', options=Options)]",
    ),
    "takes a name that is taken": (
        "fwibench_methods",
        "but fwibench (invlint) has that name already",
        HEAD + "return [spec('invlint')]",
    ),
    "takes a name of another kind": (
        "fwibench_methods",
        "but fwibench (builtin) has that name already",
        HEAD + "return [spec('salt')]",
    ),
    "is of a future API": (
        "fwibench_methods",
        "'late' is written for plugin API 1.99, this fwibench has 1.4 (upgrade fwibench)",
        HEAD + "return [spec('late', api='1.99')]",
    ),
    "is of a future API and has fields of it": (
        "fwibench_methods",
        "'later' is written for plugin API 99, this fwibench has 1.4 (upgrade fwibench)",
        HEAD + "return [spec('later', api=99, telepathic=True)]",
    ),
    "is of an API of the past": (
        "fwibench_methods",
        "'early' is written for plugin API 0.9, this fwibench reads 1.0 and later (upgrade the plugin)",
        HEAD + "return [spec('early', api='0.9')]",
    ),
}
