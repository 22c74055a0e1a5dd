"""Linear algebra on one thread."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def single_threaded() -> AbstractContextManager[object]:
    """Return a context in which linear algebra runs on one thread.

    The products here are too small to gain from threads, and these spin where another process is
    busy: the demo took ten times as long on a busy machine.
    """
    limit: AbstractContextManager[object] = _controller().limit(limits=1)
    return limit


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    """Look for the libraries once; it takes milliseconds."""
    return ThreadpoolController()
