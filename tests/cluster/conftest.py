from tests.runs.conftest import faulty_plugin

__all__ = ["faulty_plugin"]
