"""The garbage collector, kept away from what stays for good.

Data, models and modules are some hundred thousand objects. To go through them again and again,
looking for garbage, stopped the embedded service for 160 ms at a time: with them frozen the p99 at
200 requests a second fell from 158 ms to 3 ms.
"""

import contextlib
import gc
from collections.abc import Iterator


def freeze() -> None:
    """Collect once, and never look at what there is now again."""
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Freeze what is loaded in the block, without a pause for those who are being served.

    Nothing is collected meanwhile; cycles that became garbage in these seconds stay.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
