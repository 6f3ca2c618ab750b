"""No module imports, directly or through others, a module that imports it, type-checking imports included."""

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest


@pytest.mark.parametrize(
    "package",
    [
        "fwibench",
        "fwibench_invlint",
        "fwibench_auto_linear",
        "fwibench_gauss_newton",
        "fwibench_hybrid",
        "fwibench_latent_unet",
        "fwibench_residual",
        "fwibench_studies",
        "fwibench_loggers",
        "fwibench_baselines",
    ],
)
def test_a_package_has_no_import_cycle(package: str) -> None:
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' <- '.join(error.args[1])}")
