"""Counts of the FLOPs of a torch computation.

Invariant: no operation is omitted silently. Fast paths that hide their operations from the counter are disabled while
it runs, and an operation that neither has a formula nor is known to be cheap is listed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

_CHEAP_NAMES = """
    _local_scalar_dense _reshape_alias _safe_softmax _softmax _log_softmax _to_copy _unsafe_view alias amax amin
    any all argmax argmin arange as_strided bernoulli_ bitwise_not cat clone constant_pad_nd contiguous copy_
    count_nonzero cumsum detach diagonal diff embedding empty empty_like empty_strided eye fill_ flip full
    full_like gather index index_add index_put index_select is_same_size isfinite item lift_fresh linspace
    masked_fill max mean min native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training
    cudnn_batch_norm native_dropout native_group_norm native_layer_norm new_empty new_full new_ones new_zeros norm
    ones ones_like
    pad permute prod rand rand_like randn randn_like reflection_pad1d reflection_pad2d repeat replication_pad1d
    replication_pad2d resize_ roll scalar_tensor scatter scatter_add select set_ slice sort split
    split_with_sizes squeeze stack std sum t topk transpose tril triu unbind unfold unsqueeze upsample_nearest2d
    upsample_bilinear2d avg_pool2d max_pool2d_with_indices _adaptive_avg_pool2d adaptive_max_pool2d var var_mean
    view where zero_ zeros zeros_like
"""
CHEAP = frozenset(_CHEAP_NAMES.split())
"""Operations that move data or take a few FLOPs per element; by convention they are not counted."""


class _Uncounted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Collects the names of arithmetic operations without a formula."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet = func._overloadpacket
        name = packet._qualified_op_name.partition("::")[2]
        cheap = name in CHEAP or func.is_view or torch.Tag.pointwise in func.tags
        if not cheap and packet not in flop_registry:
            self.names.add(packet._qualified_op_name)
        return func(*args, **(kwargs or {}))


@contextmanager
def plain_kernels() -> Any:
    """Within the block, disable gradients and the fast paths that hide operations from a counter."""
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            # reading mkldnn's switches makes torch warn about TF32 even without a GPU
            warnings.filterwarnings("ignore", "TF32 acceleration", UserWarning)
            with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):
                yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)


def count_flops(forward: Callable[[], Any]) -> tuple[int, tuple[str, ...]]:
    """Count the FLOPs of matrix products, convolutions and attention, two per multiply-add.

    Args:
        forward: Computation of one sample; called twice, without gradients.

    Returns:
        Number of FLOPs, and the sorted names of operations that could not be counted.
    """
    with plain_kernels():
        with FlopCounterMode(display=False) as counter:
            forward()
        with _Uncounted() as rest:
            forward()
    return int(counter.get_total_flops()), tuple(sorted(rest.names))
