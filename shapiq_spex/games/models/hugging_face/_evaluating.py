"""Run a model as it is used, without leaving a trace."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ._loading import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    import transformers


@contextlib.contextmanager
def evaluating(model: transformers.PreTrainedModel) -> Iterator[None]:
    """Have a model in evaluation for a while, without gradients."""
    torch, _ = require()
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False  # eval() would set children that were not training, too
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True
