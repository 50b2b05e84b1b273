"""bfloat16 where the processor computes in it; else float16 on a GPU, and float32 on a CPU.

A CPU without instructions for bfloat16 multiplies such matrices one number at a time: on one with
AVX2 alone a product of 1,024 x 1,024 took 2,600 ms instead of 15 ms in float32, and the optimiser
Muon, which always works in bfloat16, 100 times as long as all the rest of a step.
"""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_PRODUCTS = {torch.ops.aten.mm.default, torch.ops.aten.addmm.default}


def mixed(device: torch.device) -> Literal["bf16", "fp16", "no"]:
    """Return the mixed precision of a device, as accelerate calls it."""
    if _has_bfloat16(device):
        return "bf16"
    return "no" if device.type == "cpu" else "fp16"


def autocast(device: torch.device) -> torch.autocast:
    """Return the context of forward passes."""
    kind = mixed(device)
    dtype = torch.float16 if kind == "fp16" else torch.bfloat16
    return torch.autocast(device.type, dtype=dtype, enabled=kind != "no")


def products(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Return a context in which products of bfloat16 matrices are computed fast.

    Where the device has bfloat16 it does nothing.
    """
    if _has_bfloat16(device):
        return contextlib.nullcontext()
    return _Float32Products()  # type: ignore[no-untyped-call]


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


class _Float32Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Computes products of bfloat16 matrices in float32; the result is rounded to bfloat16."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run one operation; see `TorchDispatchMode`."""
        given = kwargs or {}
        if func in _PRODUCTS and args[0].dtype == torch.bfloat16:
            return func(*(matrix.float() for matrix in args), **given).bfloat16()
        return func(*args, **given)
