"""Training a model on parts of a data set, in as many processes as there are."""

from __future__ import annotations

from ._learner import CONVERGENCE, Learner, as_learner
from ._stream import Piece, Training, train_subsets
from ._tally import Tally

__all__ = ["CONVERGENCE", "Learner", "Piece", "Tally", "Training", "as_learner", "train_subsets"]
