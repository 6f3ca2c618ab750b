"""Classification of errors in child processes."""

import errno

import numpy as np
import pytest

from fwibench.errors import MethodError
from fwibench.runs.processes.child import classify


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError("asked for too much"), "oom"),
        (np._core._exceptions._ArrayMemoryError((2**60,), np.dtype(float)), "oom"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"), "oom"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), "oom"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "oom"),
        (RuntimeError("shapes differ"), "failed"),
        (OSError(errno.ENOSPC, "No space left on device"), "failed"),
    ],
)
def test_lack_of_memory_is_classified_as_oom(error: Exception, status: str) -> None:
    assert classify(error)[0] == status
    outer = MethodError("it did not work")
    outer.__cause__ = error
    assert classify(outer)[0] == status, "the cause decides as well"
