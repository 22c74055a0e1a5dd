"""Inputs of any kind that a learner takes: arrays, sparse matrices, data frames and lists."""

from __future__ import annotations

from typing import Any

import numpy as np


def count(X: Any) -> int:  # noqa: ANN401 inputs of any kind
    """Return the number of inputs."""
    return int(X.shape[0] if hasattr(X, "shape") else len(X))


def same_inputs(left: Any, right: Any) -> bool:  # noqa: ANN401 as above
    """Say whether inputs are the same."""
    if left is right:
        return True
    if type(left) is not type(right) or count(left) != count(right):
        return False
    if hasattr(left, "equals"):  # a data frame
        return bool(left.equals(right))
    if hasattr(left, "tocsr"):  # a sparse matrix
        return bool(left.shape == right.shape and (left != right).nnz == 0)
    return bool(np.array_equal(left, right))
