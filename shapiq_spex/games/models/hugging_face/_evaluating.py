"""Run a model as it is used, without leaving a trace."""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Any

from ._loading import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    import transformers

_LOCKS: weakref.WeakKeyDictionary[Any, threading.RLock] = weakref.WeakKeyDictionary()
_GUARD = threading.Lock()


def lock_of(model: transformers.PreTrainedModel) -> threading.RLock:
    """Return the lock of a model, one for all that use it: passes change it for their time."""
    with _GUARD:
        return _LOCKS.setdefault(model, threading.RLock())


@contextlib.contextmanager
def evaluating(model: transformers.PreTrainedModel) -> Iterator[None]:
    """Have a model in evaluation for a while, without gradients and for this thread alone."""
    torch, _ = require()
    with lock_of(model):
        training = [module for module in model.modules() if module.training]
        for module in training:
            module.training = False  # eval() would set children that were not training, too
        try:
            with torch.no_grad():
                yield
        finally:
            for module in training:
                module.training = True
