"""The transform of tree ensembles, against what LightGBM itself predicts."""

from __future__ import annotations

from itertools import chain

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex.proxy import _trees
from shapiq_spex.proxy._trees import influences, transform_trees
from shapiq_spex.spectrum import FourierSpectrum
from shapiq_spex.spectrum._sets import to_tuples

TOLERANCE = 1e-9
QUIET = {"verbosity": -1, "num_threads": 1}
SMALL = {**QUIET, "num_leaves": 8, "min_data_in_leaf": 1, "min_data_in_bin": 1}

# a leaf's value, or a split: its feature, threshold or categories, decision type, and children
Tree = float | tuple[int, float | frozenset[int], int, "Tree", "Tree"]


def all_masks(n: int) -> np.ndarray:
    """List all masks as floats; the mask at position k has the bits of k."""
    return (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(float)


def assert_transforms(
    booster: lgb.Booster,
    masks: np.ndarray,
    scale: float | None = None,
    num_iteration: int | None = None,
) -> FourierSpectrum:
    """Compare the transform with the booster's predictions on masks; check what is returned."""
    n = masks.shape[1]
    sets, coefficients = transform_trees(booster, n, num_iteration)
    spectrum = FourierSpectrum(n, sets, coefficients)  # refuses sets that repeat or are invalid
    assert sets.dtype == np.int64
    np.testing.assert_array_equal(sets, spectrum.sets)  # not wider than needed, and in order
    assert coefficients.all()
    predictions = booster.predict(masks, num_iteration=num_iteration)
    scale = float(np.abs(predictions).max()) if scale is None else scale
    np.testing.assert_allclose(
        spectrum.evaluate(masks.astype(bool)), predictions, rtol=0, atol=TOLERANCE * scale
    )
    return spectrum


def tree_text(tree: Tree) -> str:
    """Write a tree as LightGBM does."""
    nodes: list[list[int]] = []
    splits: list[tuple[int, float, int]] = []
    leaves: list[float] = []
    bitsets: list[list[int]] = []

    def visit(tree: Tree) -> int:
        if not isinstance(tree, tuple):
            leaves.append(tree)
            return -len(leaves)
        feature, rule, kind, *children = tree
        if isinstance(rule, frozenset):
            words = [0] * (1 + max(rule) // 32)
            for category in rule:
                words[category // 32] |= 1 << category % 32
            bitsets.append(words)
            rule, kind = len(bitsets) - 1, kind | 1
        position = len(nodes)
        nodes.append([])
        splits.append((feature, rule, kind))
        nodes[position] += [visit(child) for child in children]
        return position

    visit(tree)
    lines: dict[str, list[object]] = {"num_leaves": [len(leaves)], "num_cat": [len(bitsets)]}
    for key, split in zip(
        ("split_feature", "threshold", "decision_type"), zip(*splits, strict=True), strict=False
    ):
        lines[key] = list(split)
    for key, side in zip(("left_child", "right_child"), zip(*nodes, strict=True), strict=False):
        lines[key] = list(side)
    lines["leaf_value"] = list(leaves)
    if bitsets:
        lines["cat_boundaries"] = np.cumsum([0, *map(len, bitsets)]).tolist()
        lines["cat_threshold"] = list(chain.from_iterable(bitsets))
    lines |= {"is_linear": [0], "shrinkage": [1]}
    return "\n".join(f"{key}={' '.join(map(repr, line))}" for key, line in lines.items())


def forest(trees: list[Tree], n: int, *, averaged: bool = False) -> lgb.Booster:
    """Load handwritten trees into LightGBM."""
    header = ["tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0"]
    header += [f"max_feature_idx={n - 1}", "objective=regression"]
    header += ["average_output"] * averaged
    header += ["feature_names=" + " ".join(f"f{i}" for i in range(n))]
    header += ["feature_infos=" + " ".join(["[0:1]"] * n)]
    bodies = [f"Tree={i}\n{tree_text(tree)}\n\n" for i, tree in enumerate(trees)]
    text = "\n".join([*header, "", *bodies, "end of trees", ""])
    return lgb.Booster(model_str=text)


def split(feature: int, left: Tree, right: Tree, threshold: float = 0.5, kind: int = 2) -> Tree:
    """Make a numerical split: zero to the left and one to the right, unless told otherwise."""
    return (feature, threshold, kind, left, right)


def chain_of(features: list[int]) -> Tree:
    """Make a tree with one leaf beside each feature of a path."""
    tree: Tree = -1.0
    for value, feature in enumerate(reversed(features), 1):
        tree = split(feature, float(value), tree)
    return tree


def train(
    seed: int, n: int, n_iterations: int = 6, n_masks: int = 80, **params: object
) -> lgb.Booster:
    """Train on random values of random masks."""
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, 2, (n_masks, n)).astype(float)
    values = rng.normal(size=n_masks) + 3 * masks[:, 0] * masks[:, -1] + 5
    return lgb.train(
        {**SMALL, "objective": "regression", **params}, lgb.Dataset(masks, values), n_iterations
    )


LEAVES = st.floats(-1e3, 1e3, width=32, allow_subnormal=False)


def trees(n: int) -> st.SearchStrategy[Tree]:
    """Any trees at all: features repeat on paths, thresholds are anywhere."""
    features = st.integers(0, n - 1)
    thresholds = st.sampled_from([-1e300, -1.0, -0.0, 0.0, 1e-35, 0.5, 1.0, 2.0, 1e300])
    categories = st.frozensets(st.sampled_from([0, 1, 2, 31, 32, 70]), min_size=1)
    kinds = st.sampled_from([0, 2, 4, 6, 8, 10])
    return st.recursive(
        LEAVES, lambda sub: st.tuples(features, thresholds | categories, kinds, sub, sub)
    )


@given(st.integers(1, 6).flatmap(lambda n: st.tuples(st.just(n), st.lists(trees(n), max_size=5))))
def test_any_trees(drawn: tuple[int, list[Tree]]) -> None:
    """Handwritten trees of all kinds of splits."""
    n, ensemble = drawn
    assert_transforms(forest(ensemble, n), all_masks(n), scale=1e3 * (1 + len(ensemble)))


@st.composite
def trained(draw: st.DrawFn) -> tuple[int, lgb.Booster]:
    """Draw a booster trained on random data, also with features that are not masks there."""
    n = draw(st.integers(1, 10), label="n")
    n_rows = draw(st.integers(20, 120), label="rows")
    low, high = draw(st.sampled_from([(0, 1), (-1, 2), (0, 4)]), label="range")
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    features = rng.integers(low, high + 1, (n_rows, n)).astype(float)
    values = rng.normal(size=n_rows) + 10 * features[:, 0] + rng.normal(0, 100)
    params = {
        **QUIET,
        "objective": "regression",
        "min_data_in_leaf": 1,
        "min_data_in_bin": 1,
        "num_leaves": draw(st.integers(2, 40), label="leaves"),
        "max_depth": draw(st.sampled_from([-1, 1, 2, 4]), label="depth"),
        "learning_rate": draw(st.floats(0.01, 1.0), label="rate"),
        "boosting": draw(st.sampled_from(["gbdt", "dart", "rf"]), label="boosting"),
        "drop_rate": 0.5,
        "zero_as_missing": draw(st.booleans(), label="zero as missing"),
        "use_missing": draw(st.booleans(), label="use missing"),
        "feature_fraction": draw(st.sampled_from([0.3, 0.7, 1.0]), label="feature fraction"),
        "boost_from_average": draw(st.booleans(), label="from average"),
        "max_cat_to_onehot": draw(st.sampled_from([1, 4]), label="onehot"),
        "min_data_per_group": 1,
        "bagging_freq": 1,
        "bagging_fraction": 0.6,
    }
    categorical = st.lists(st.integers(0, n - 1), unique=True, max_size=n)
    data = lgb.Dataset(features, values, categorical_feature=draw(categorical, label="categorical"))
    return n, lgb.train(params, data, draw(st.integers(1, 8), label="iterations"))


@given(trained())
def test_trained_boosters(drawn: tuple[int, lgb.Booster]) -> None:
    """Boosters of all settings, on all masks."""
    n, booster = drawn
    assert_transforms(booster, all_masks(n))


def test_coefficients_of_one_tree() -> None:
    """A conjunction has all its coefficients at the same size, with alternating signs."""
    sets, coefficients = transform_trees(forest([split(2, 0.0, split(0, 0.0, 4.0))], 3), 3)
    assert to_tuples(sets, 3) == [(), (0,), (2,), (0, 2)]
    assert coefficients.tolist() == [1.0, -1.0, -1.0, 1.0]


@pytest.mark.parametrize(
    ("kind", "threshold", "zero_left", "one_left"),
    [
        (2, 0.5, True, False),
        (2, 1e-35, True, False),
        (2, 0.0, True, False),
        (2, 1.0, True, True),
        (2, -0.5, False, False),
        (4, 0.5, False, False),  # zero is missing and goes right
        (6, 0.5, True, False),
        (4, 1.5, False, True),
        (6, -0.5, True, False),
        (8, 0.5, True, False),  # NaN is missing, which no mask has
        (10, -0.5, False, False),
    ],
)
def test_where_values_go(kind: int, threshold: float, *, zero_left: bool, one_left: bool) -> None:
    """Thresholds outside of the values, and default directions."""
    booster = forest([split(1, 3.0, 5.0, threshold, kind)], 2)
    spectrum = assert_transforms(booster, all_masks(2))
    ends = [3.0 if left else 5.0 for left in (zero_left, one_left)]
    assert spectrum.evaluate(np.array([[0, 0], [0, 1]], dtype=bool)).tolist() == ends
    assert to_tuples(spectrum.sets, 2) == ([()] if zero_left == one_left else [(), (1,)])


@pytest.mark.parametrize(
    ("categories", "ends"),
    [({0}, [3, 5]), ({1}, [5, 3]), ({0, 1, 40}, [3, 3]), ({2, 33}, [5, 5]), ({1, 95}, [5, 3])],
)
def test_categories(categories: set[int], ends: list[float]) -> None:
    """Bitsets of one word and more, where others stand before them in the tree and the forest."""
    wide = frozenset({0, 100})
    tested: Tree = (1, frozenset(categories), 0, 3.0, 5.0)
    before: Tree = (0, wide, 0, 0.0, (0, frozenset({64}), 0, 0.0, 0.0))
    for ensemble in (
        [tested],
        [before, 0.0, tested, before],
        [split(1, 0.0, 0.0), (0, wide, 0, tested, tested)],
    ):
        spectrum = assert_transforms(forest(ensemble, 2), all_masks(2))
        assert spectrum.evaluate(np.array([[0, 0], [0, 1]], dtype=bool)).tolist() == ends


def test_repeated_features() -> None:
    """The same test again is no constraint; the opposite one leads nowhere."""
    again = split(0, split(1, split(0, 1.0, 100.0, 0.2), 2.0), split(0, 100.0, 3.0, 0.7))
    spectrum = assert_transforms(forest([again], 2), all_masks(2))
    assert spectrum.evaluate(all_masks(2).astype(bool)).tolist() == [1.0, 3.0, 2.0, 3.0]
    deep = split(0, split(1, split(0, 0.0, split(2, 1e6, -1e6)), 1.0), 2.0)
    assert spectrum.n_players == 2
    sets, _ = transform_trees(forest([deep], 3), 3)
    assert to_tuples(sets, 3) == [(), (0,), (1,), (0, 1)]


def test_trained_on_other_values() -> None:
    """Training on more than two values makes trees that repeat features and use thresholds."""
    rng = np.random.default_rng(0)
    features = rng.integers(-2, 4, (300, 3)).astype(float)
    values = np.sin(2 * features[:, 0]) + features[:, 1] ** 2 - features[:, 0] * features[:, 2]
    for zero_as_missing in (False, True):
        params = {**SMALL, "num_leaves": 40, "zero_as_missing": zero_as_missing}
        booster = lgb.train(params, lgb.Dataset(features, values), 10)
        assert ("decision_type=6" in booster.model_to_string()) == zero_as_missing
        assert_transforms(booster, all_masks(3))


def test_single_leaves() -> None:
    """Trees without a split, alone and among others."""
    stump = split(0, 1.0, 2.0)
    for ensemble in ([7.0], [7.0, -2.0], [stump, 3.0, stump], [3.0, stump, -1.0]):
        assert_transforms(forest(ensemble, 2), all_masks(2))
    sets, coefficients = transform_trees(forest([7.0, -2.0], 2), 2)
    assert sets.shape == (1, 0)
    assert coefficients.tolist() == [5.0]
    constant = lgb.Dataset(np.zeros((30, 4)), np.full(30, 2.5))
    assert_transforms(lgb.train({**SMALL, "objective": "regression"}, constant, 3), all_masks(4))


def test_no_terms() -> None:
    """A booster that predicts zero everywhere has no sets."""
    untrained = lgb.Booster(QUIET, lgb.Dataset(np.eye(3), np.arange(3), params=QUIET))
    stump = split(0, 1.0, 2.0)
    opposite = split(0, -1.0, -2.0)
    for booster in (forest([0.0], 3), forest([stump, opposite], 3), untrained):
        sets, coefficients = transform_trees(booster, 3)
        assert sets.shape == (0, 0)
        assert coefficients.shape == (0,)


def test_unused_features_keep_their_places() -> None:
    """Features that LightGBM drops before training do not shift the others."""
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 2, (80, 6)).astype(float)
    masks[:, [0, 3]] = 0
    values = masks[:, 1] - 2 * masks[:, 4] * masks[:, 5]
    spectrum = assert_transforms(lgb.train(SMALL, lgb.Dataset(masks, values), 5), all_masks(6))
    assert set(np.unique(spectrum.sets)) == {1, 4, 5, 6}


def test_same_result_with_and_without_a_table() -> None:
    """Few players are merged in a table of all sets, many by sorting."""
    rng = np.random.default_rng(0)
    ensemble = [chain_of(rng.permutation(6)[:4].tolist()) for _ in range(40)]
    few, many = [assert_transforms(forest(ensemble, n), np.eye(n)) for n in (6, 60)]
    assert few.support == many.support
    np.testing.assert_allclose(few.coefficients, many.coefficients, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"boosting": "dart", "drop_rate": 0.9},
        {"boost_from_average": False},
    ],
)
def test_num_iteration(params: dict[str, object]) -> None:
    """Truncated ensembles are those that LightGBM predicts with."""
    booster = train(0, 5, **params)
    spectra = [
        assert_transforms(booster, all_masks(5), num_iteration=count) for count in (1, 3, 6, 9, 0)
    ]
    assert spectra[0].coefficients.tolist() != spectra[1].coefficients.tolist()
    assert spectra[1].coefficients.tolist() != spectra[2].coefficients.tolist()
    for spectrum in spectra[3:]:
        assert spectrum.coefficients.tolist() == spectra[2].coefficients.tolist()


def test_best_iteration() -> None:
    """After early stopping the best iteration counts, unless told otherwise."""
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 2, (60, 5)).astype(float)
    data = lgb.Dataset(masks, masks[:, 0] + rng.normal(size=60))
    held_out = lgb.Dataset(masks, masks[:, 0] + rng.normal(size=60), reference=data)
    stop = lgb.early_stopping(5, verbose=False)
    params = {**SMALL, "objective": "regression"}
    # otherwise LightGBM itself drops the later trees
    options = {"valid_sets": [held_out], "callbacks": [stop], "keep_training_booster": True}
    booster = lgb.train(params, data, 80, **options)
    assert 0 < booster.best_iteration < booster.num_trees()
    best = assert_transforms(booster, all_masks(5))
    every = assert_transforms(booster, all_masks(5), num_iteration=booster.num_trees())
    assert best.coefficients.tolist() != every.coefficients.tolist()


def test_continued_training() -> None:
    """Trees of an earlier booster that a later one was started from count too."""
    first = train(0, 5)
    rng = np.random.default_rng(1)
    data = lgb.Dataset(rng.integers(0, 2, (60, 5)), rng.normal(size=60), free_raw_data=False)
    booster = lgb.train({**SMALL, "objective": "regression"}, data, 4, init_model=first)
    assert booster.num_trees() == 10
    assert_transforms(booster, all_masks(5))


@pytest.mark.parametrize(
    "objective",
    ["regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank"],
)
def test_objectives_without_link(objective: str) -> None:
    """Whatever predicts the sum of its leaves is fine."""
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 2, (80, 5)).astype(float)
    data = lgb.Dataset(masks, rng.integers(1, 5, 80), group=[40, 40])
    assert_transforms(lgb.train({**SMALL, "objective": objective}, data, 5), all_masks(5))


def test_custom_objective() -> None:
    """An objective given as a function has no link, but may have several outputs."""

    def gradients(predictions: np.ndarray, data: lgb.Dataset) -> tuple[np.ndarray, np.ndarray]:
        return (predictions.T - data.get_label()).T, np.ones_like(predictions)

    assert_transforms(train(0, 5, objective=gradients), all_masks(5))
    with pytest.raises(ValueError, match=r"one plain sum.* with 3 output"):
        transform_trees(train(0, 5, objective=gradients, num_class=3), 5)


@pytest.mark.parametrize(
    "params",
    [
        {"objective": "poisson"},
        {"objective": "gamma"},
        {"objective": "tweedie"},
        {"objective": "binary"},
        {"objective": "cross_entropy"},
        {"objective": "cross_entropy_lambda"},
        {"objective": "multiclass", "num_class": 3},
        {"objective": "multiclassova", "num_class": 3},
        {"objective": "regression", "reg_sqrt": True},
        {"objective": "regression_l1", "reg_sqrt": True},
    ],
)
def test_objectives_with_link(params: dict[str, object]) -> None:
    """Whatever predicts something else is refused."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3 if "num_class" in params else 2, 80)
    labels += params["objective"] == "gamma"  # which takes no zeros
    data = lgb.Dataset(rng.integers(0, 2, (80, 3)).astype(float), labels)
    booster = lgb.train({**SMALL, **params}, data, 2)
    message = rf"plain sum of its leaves. Got objective '{params['objective']}.*use objective="
    with pytest.raises(ValueError, match=message):
        transform_trees(booster, 3)


def test_linear_trees() -> None:
    """Leaves that are linear functions are refused."""
    booster = train(0, 4, linear_tree=True)
    with pytest.raises(ValueError, match=r"Linear trees.*linear_tree=False"):
        transform_trees(booster, 4)


@pytest.mark.parametrize("n_players", [4, 6])
def test_other_features(n_players: int) -> None:
    """The features must be the players."""
    with pytest.raises(ValueError, match=f"must have {n_players} features. Got 5"):
        transform_trees(train(0, 5), n_players)


def train_chain(n: int, num_leaves: int) -> lgb.Booster:
    """Train a tree that splits off one feature after the other, from the last one on."""
    masks = np.tril(np.ones((n + 1, n)), -1).repeat(3, axis=0)
    values = 3.0 ** np.arange(n + 1).repeat(3)
    params = {**SMALL, "num_leaves": num_leaves, "max_depth": -1, "learning_rate": 1.0}
    params |= {"boost_from_average": False}  # single precision would lose the small values
    return lgb.train(params, lgb.Dataset(masks, values), 1)


@pytest.mark.parametrize(("n", "depth"), [(20, 15), (30, 13), (70, 12)])
def test_deep_chain(n: int, depth: int) -> None:
    """Paths of many features, which have many subsets."""
    masks = np.random.default_rng(0).random((200, n)) < 0.9
    spectrum = assert_transforms(train_chain(n, depth + 1), masks.astype(float))
    assert spectrum.sets.shape == (2**depth, depth)
    assert spectrum.sets.min() == n - depth


def test_too_deep() -> None:
    """A tree whose sets do not fit into memory is refused at once."""
    with pytest.raises(ValueError, match=r"too deep.*max_depth"):
        transform_trees(train_chain(30, 31), 30)
    many = forest([chain_of(list(range(200)))], 200)  # more subsets than int64 counts
    with pytest.raises(ValueError, match=rf"have {2**201 - 2} subsets.*max_depth"):
        transform_trees(many, 200)


def test_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit counts the subsets of each distinct path."""
    booster = forest([chain_of([4, 1, 7, 2]), chain_of([1, 4])], 9)
    paths = [{4}, {4, 1}, {4, 1, 7}, {4, 1, 7, 2}, {1}]
    needed = sum(2 ** len(path) for path in paths)
    monkeypatch.setattr(_trees, "_MAX_LISTED", needed)
    assert_transforms(booster, all_masks(9))
    monkeypatch.setattr(_trees, "_MAX_LISTED", needed - 1)
    with pytest.raises(ValueError, match=f"have {needed} subsets"):
        transform_trees(booster, 9)


@given(data=st.data(), n=st.integers(1, 7))
def test_influences(data: st.DataObject, n: int) -> None:
    """The influence of a player is the energy of all sets with it."""
    subset = st.frozensets(st.integers(0, n - 1)).map(sorted).map(tuple)
    terms = data.draw(st.dictionaries(subset, st.floats(-10, 10, width=32), max_size=20))
    width = max(map(len, terms), default=0)
    sets = np.array([players + (n,) * (width - len(players)) for players in terms], dtype=np.int64)
    found = influences(sets.reshape(len(terms), width), np.array([*terms.values()]), n)
    expected = [sum(c**2 for players, c in terms.items() if i in players) for i in range(n)]
    assert found.shape == (n,)
    assert found == pytest.approx(expected, rel=1e-12, abs=0)


def test_influences_are_total_variances() -> None:
    """The same from the definition: how much the prediction depends on each player."""
    booster = train(3, 6)
    sets, coefficients = transform_trees(booster, 6)
    masks = all_masks(6)
    flipped = [np.abs(masks - np.eye(6)[i]) for i in range(6)]
    expected = [
        np.mean((booster.predict(masks) - booster.predict(other)) ** 2) / 4 for other in flipped
    ]
    np.testing.assert_allclose(influences(sets, coefficients, 6), expected, rtol=1e-9, atol=1e-12)
