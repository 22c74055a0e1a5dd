"""Training a model on parts of a data set, in as many processes as there are."""

from __future__ import annotations

from ._learner import CONVERGENCE, Learner, as_learner
from ._stream import Piece, Training, train_subsets

__all__ = ["CONVERGENCE", "Learner", "Piece", "Training", "as_learner", "train_subsets"]
