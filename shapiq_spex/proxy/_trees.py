"""The exact Fourier spectrum of a LightGBM ensemble on binary features.

A leaf that is reached under ``x_i = b_i`` for ``d`` features contributes to all subsets ``T`` of
these: its value times ``2^-d prod_{i in T} (1 - 2 b_i)``. Leaves on the same features are gathered
in a table of the ``2^d`` values of ``b`` first, so that one small Walsh transform serves them all.
Subsets of different sizes never meet, hence one size at a time is listed and added up.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.spectrum._sets import orders, resize, unique_sets
from shapiq_spex.spectrum._walsh import walsh_hadamard

if TYPE_CHECKING:
    from collections.abc import Iterable

    import lightgbm
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_MAX_LISTED = 1 << 24  # subsets, equal ones from different trees included
_RAW_OBJECTIVES = frozenset(
    {
        "custom",
        "fair",
        "huber",
        "lambdarank",
        "mape",
        "quantile",
        "rank_xendcg",
        "regression",
        "regression_l1",
    }
)
"""Objectives without a link function: they predict the sum of the leaves' values."""
_CATEGORICAL, _DEFAULT_LEFT, _MISSING, _MISSING_IS_ZERO = 1, 2, 12, 4  # bits of decision_type


@dataclass(frozen=True)
class _Forest:
    """All trees side by side, their nodes and their leaves numbered throughout.

    Attributes:
        n_players: The number of features.
        roots: The first node of each tree, shape ``(trees,)``. A leaf ``l`` is written ``~l``.
        children: The left and the right child of each node, shape ``(nodes, 2)``.
        literals: What the way to each child says about the features, shape ``(nodes, 2)``:
            ``2 * feature + value``, or ``2 * n_players`` if nothing, or -1 if no mask goes there.
        values: What each leaf adds to the prediction, shape ``(leaves,)``.
    """

    n_players: int
    roots: IntArray
    children: IntArray
    literals: IntArray
    values: FloatArray


@dataclass(frozen=True)
class _Paths:
    """The distinct sets of ``d`` features that leaves depend on.

    Attributes:
        players: Shape ``(k, d)``.
        coefficients: What these leaves add to the coefficients of all subsets, shape ``(k, 2^d)``;
            the bits of the second position tell which players are in the subset.
    """

    players: IntArray
    coefficients: FloatArray


def transform_trees(
    booster: lightgbm.Booster, n_players: int, num_iteration: int | None = None
) -> tuple[IntArray, FloatArray]:
    """Compute the Fourier coefficients of what an ensemble predicts on masks.

    Args:
        booster: The ensemble, trained on masks as features.
        n_players: The number of features.
        num_iteration: How many iterations to use, as for ``booster.predict``: by default up to the
            best one if there is one, else all of them.

    Returns:
        Distinct sets, shape ``(k, width)``, padded with ``n_players``, by size and then in
        lexicographic order, and their coefficients, shape ``(k,)``. Sets whose coefficient is
        exactly zero are left out.

    Raises:
        ValueError: If the ensemble has other features, predicts something else than a sum of
            constant leaves, or is too deep for its sets to be listed.
    """
    if booster.num_feature() != n_players:
        msg = f"The booster must have {n_players} features. Got {booster.num_feature()}."
        raise ValueError(msg)
    groups = _group_leaves(_read(booster, num_iteration))
    width = max((group.players.shape[1] for group in groups), default=0)
    return _stack(
        [_merge(*_subsets(groups, size), n_players) for size in range(width + 1)], n_players
    )


def influences(sets: IntArray, coefficients: FloatArray, n_players: int) -> FloatArray:
    """Return the energy of the sets that each player is in.

    Args:
        sets: Shape ``(k, width)``, padded.
        coefficients: Shape ``(k,)``.
        n_players: The number of players.

    Returns:
        Sums of squared coefficients, shape ``(n_players,)``.
    """
    energies = np.repeat(coefficients**2, sets.shape[1])
    return np.bincount(sets.ravel(), weights=energies, minlength=n_players + 1)[:n_players]


def _read(booster: lightgbm.Booster, num_iteration: int | None) -> _Forest:
    """Read the trees out of a booster's text, which holds all digits of their numbers."""
    header, _, body = booster.model_to_string(num_iteration=num_iteration).partition("\nTree=")
    _check_objective(header)
    lines: defaultdict[str, list[str]] = defaultdict(list)
    for line in body.partition("\nend of trees")[0].split("\n"):
        key, _, value = line.partition("=")
        lines[key].append(value)
    if "1" in lines["is_linear"]:
        msg = "Linear trees cannot be transformed. Train the booster with linear_tree=False."
        raise ValueError(msg)
    n_leaves = _integers(lines["num_leaves"])
    first_node, first_leaf = _starts(n_leaves - 1), _starts(n_leaves)
    children = np.stack([_integers(lines[f"{s}_child"]) for s in ("left", "right")], axis=1)
    of_leaf = np.repeat(first_leaf, n_leaves - 1)[:, None]
    of_node = np.repeat(first_node, n_leaves - 1)[:, None]
    values = _numbers(lines["leaf_value"])
    averaged = "average_output" in header.split("\n")
    return _Forest(
        n_players=booster.num_feature(),
        roots=np.where(n_leaves > 1, first_node, ~first_leaf),
        children=np.where(children < 0, children - of_leaf, children + of_node),
        literals=_read_literals(lines, n_leaves - 1, booster.num_feature()),
        values=values / len(n_leaves) if averaged else values,
    )


def _check_objective(header: str) -> None:
    """Refuse ensembles that apply a function to the sum of their leaves, or have many sums."""
    entries = dict(line.partition("=")[::2] for line in header.split("\n"))
    objective = entries.get("objective", "custom")
    name, *options = objective.split()
    n_sums = entries["num_tree_per_iteration"]
    if name not in _RAW_OBJECTIVES or "sqrt" in options or n_sums != "1":
        msg = (
            "The booster must predict one plain sum of its leaves. Got objective "
            f"{objective!r} with {n_sums} output(s); use objective='regression' without reg_sqrt."
        )
        raise ValueError(msg)


def _read_literals(
    lines: defaultdict[str, list[str]], n_nodes: IntArray, n_players: int
) -> IntArray:
    """Return what the left and the right way say at each node; see ``_Forest``."""
    features = _integers(lines["split_feature"])
    thresholds = _numbers(lines["threshold"])
    kinds = _integers(lines["decision_type"])
    left = np.array([0.0, 1.0]) <= thresholds[:, None]
    missing = (kinds & _MISSING) == _MISSING_IS_ZERO
    left[missing, 0] = (kinds[missing] & _DEFAULT_LEFT) > 0
    categorical = np.flatnonzero(kinds & _CATEGORICAL)
    if len(categorical):
        n_bitsets = _integers(lines["num_cat"])
        words = _first_words(lines, n_bitsets)
        position = np.repeat(_starts(n_bitsets), n_nodes)[categorical]
        position += thresholds[categorical].astype(np.int64)
        left[categorical] = (words[position][:, None] >> np.arange(2)) & 1
    return np.stack([_literal(features, way, n_players) for way in (left, ~left)], axis=1)


def _first_words(lines: defaultdict[str, list[str]], n_bitsets: IntArray) -> IntArray:
    """Return the first 32 bits of each categorical split's bitset, which may be empty."""
    # each tree's boundaries start at zero again: one difference there is between two trees
    between = np.cumsum(n_bitsets[n_bitsets > 0] + 1)[:-1] - 1
    lengths = np.delete(np.diff(_integers(lines["cat_boundaries"])), between)
    words = np.append(_integers(lines["cat_threshold"]), 0)
    return np.where(lengths > 0, words[_starts(lengths)], 0)


def _literal(features: IntArray, takes: BoolArray, n_players: int) -> IntArray:
    """Return what a way says that takes the values 0 and 1 or not, ``takes`` of shape (k, 2)."""
    one_value = np.where(takes.any(axis=1), 2 * features + takes[:, 1], -1)
    return np.where(takes.all(axis=1), 2 * n_players, one_value)


def _group_leaves(forest: _Forest) -> list[_Paths]:
    """Gather the leaves that depend on the same features, and transform them."""
    leaves, literals = _descend(forest)
    sizes = orders(literals >> 1, forest.n_players)
    groups = []
    for size in np.unique(sizes).tolist():
        rows = np.flatnonzero(sizes == size)
        players, which = unique_sets(literals[rows, :size] >> 1)
        groups.append((rows, players, which))
    n_listed = sum(len(players) << players.shape[1] for _, players, _ in groups)
    if n_listed > _MAX_LISTED:
        msg = (
            f"The trees are too deep: the features on their paths have {n_listed} subsets, where "
            f"{_MAX_LISTED} can be listed. Train the booster with a smaller max_depth."
        )
        raise ValueError(msg)
    return [
        _Paths(players, _tables(literals[rows] & 1, which, forest.values[leaves[rows]], players))
        for rows, players, which in groups
    ]


def _tables(bits: IntArray, which: IntArray, values: FloatArray, players: IntArray) -> FloatArray:
    """Return the coefficients of leaves' subsets, one row for each distinct path."""
    n_paths, size = players.shape
    positions = (which << size) + bits[:, :size] @ (1 << np.arange(size))
    table = np.bincount(positions, weights=values, minlength=n_paths << size)
    return np.asarray(walsh_hadamard(table.reshape(n_paths, 1 << size)) / (1 << size))


def _descend(forest: _Forest) -> tuple[IntArray, IntArray]:
    """Return all leaves that masks reach, and the ascending literals on the way to each."""
    padding = 2 * forest.n_players
    nodes, paths = forest.roots, np.empty((len(forest.roots), 0), dtype=np.int64)
    leaves, ends = [nodes[:0]], [paths[:0]]
    while len(nodes):
        ended = nodes < 0
        leaves.append(~nodes[ended])
        ends.append(paths[ended])
        nodes, paths = _step(forest, nodes[~ended], paths[~ended], padding)
    width = max(end.shape[1] for end in ends)
    return np.concatenate(leaves), np.concatenate([resize(end, width, padding) for end in ends])


def _step(
    forest: _Forest, nodes: IntArray, paths: IntArray, padding: int
) -> tuple[IntArray, IntArray]:
    """Return the children of nodes that masks reach, and the literals on the way to them."""
    literals = forest.literals[nodes]
    before, now = paths[:, None, :], literals[:, :, None]
    # literals of the same feature differ in their last bit
    row, side = np.nonzero((literals >= 0) & (before != now ^ 1).all(axis=2))
    new = np.where((before == now).any(axis=2), padding, literals)
    longer = np.concatenate([paths[row], new[row, side][:, None]], axis=1)
    longer.sort(axis=1)
    width = int(orders(longer, padding).max(initial=0))
    return forest.children[nodes[row], side], longer[:, :width]


def _subsets(groups: list[_Paths], size: int) -> tuple[IntArray, FloatArray]:
    """Return all subsets of one size, repeated ones too, and their coefficients."""
    sets, coefficients = [np.empty((0, size), dtype=np.int64)], [np.empty(0)]
    for group in groups:
        n_paths, length = group.players.shape
        if length >= size:
            codes = np.flatnonzero(_bit_counts(length) == size)
            members = group.players[:, _members(codes, size)]
            sets.append(members.reshape(n_paths * len(codes), size))
            coefficients.append(group.coefficients[:, codes].ravel())
    return np.concatenate(sets), np.concatenate(coefficients)


def _bit_counts(length: int) -> NDArray[np.int8]:
    """Return how many bits each number below ``2^length`` has."""
    counts = np.zeros(1, dtype=np.int8)
    for _ in range(length):
        counts = np.concatenate([counts, counts + np.int8(1)])
    return counts


def _members(codes: IntArray, size: int) -> IntArray:
    """Return the positions, ascending, of the bits of codes that all have ``size`` of them."""
    # as bytes, since all bits as integers would be the largest array of all
    octets = codes.astype("<u4")[:, None].view(np.uint8)
    columns: IntArray = np.nonzero(np.unpackbits(octets, axis=1, bitorder="little"))[1]
    return columns.reshape(len(codes), size)


def _merge(sets: IntArray, coefficients: FloatArray, n_players: int) -> tuple[IntArray, FloatArray]:
    """Add up the coefficients of equal sets, all of one size, and drop those that are zero."""
    if 1 << n_players > len(sets):
        distinct, positions = unique_sets(sets)
        sums = np.bincount(positions, weights=coefficients, minlength=len(distinct))
        return distinct[sums != 0], sums[sums != 0]
    # a table of all sets needs no sorting; with the first player as its highest bit, and read
    # backwards, it is in lexicographic order
    codes = (1 << (n_players - 1 - sets)).sum(axis=1)
    table = np.bincount(codes, weights=coefficients, minlength=1 << n_players)[::-1]
    present = np.flatnonzero(table)
    columns = _members((1 << n_players) - 1 - present, sets.shape[1])
    return n_players - 1 - columns[:, ::-1], table[present]


def _stack(
    merged: list[tuple[IntArray, FloatArray]], n_players: int
) -> tuple[IntArray, FloatArray]:
    """Pad the sets of all sizes to the largest one's."""
    width = max((sets.shape[1] for sets, _ in merged if len(sets)), default=0)
    padded = np.full((sum(len(sets) for sets, _ in merged), width), n_players, dtype=np.int64)
    start = 0
    for sets, _ in merged[: width + 1]:
        padded[start : start + len(sets), : sets.shape[1]] = sets
        start += len(sets)
    return padded, np.concatenate([coefficients for _, coefficients in merged])


def _starts(lengths: IntArray) -> IntArray:
    """Return where consecutive blocks of these lengths start."""
    return np.asarray(np.cumsum(lengths) - lengths)


def _numbers(texts: Iterable[str]) -> FloatArray:
    """Parse the numbers of all lines at once."""
    # stripped, as NumPy reads a number out of blanks
    return np.fromstring(" ".join(texts).strip(), dtype=np.float64, sep=" ")


def _integers(texts: Iterable[str]) -> IntArray:
    """Parse the integers of all lines at once."""
    return np.fromstring(" ".join(texts).strip(), dtype=np.int64, sep=" ")
