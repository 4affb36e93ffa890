"""The cycle collector at rest while a workbook is understood: it would look through every cell again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """No cycles are collected meanwhile, unless another thread ends its own rest; then all is as before.

    What a check builds has hardly any, and most of it is kept: a quarter of the time went into seeing that.
    """
    at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if at_work:
            gc.enable()
