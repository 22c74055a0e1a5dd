"""What of a model's answer is explained."""

from __future__ import annotations

from ._target import Target
from .answers import Answers, Score, Similarity
from .classes import ClassLogit
from .functions import Function, as_target
from .labels import Continuation, Labels

__all__ = [
    "Answers",
    "ClassLogit",
    "Continuation",
    "Function",
    "Labels",
    "Score",
    "Similarity",
    "Target",
    "as_target",
]
