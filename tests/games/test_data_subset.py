"""Tests of retraining on subsets of the training data as a game."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
import shapiq
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import shapiq_spex
from shapiq_spex import AblationError, ProxySPEX, StoredGame, near_duplicates, partners
from shapiq_spex.games import DataSubsetGame, LogLoss, Margin, Prediction, Score

if TYPE_CHECKING:
    from pathlib import Path

IMAGES, LABELS = load_digits(return_X_y=True)
IMAGES = IMAGES / 16
RNG = np.random.default_rng(0)
ORDER = RNG.permutation(len(LABELS))
TRAIN, TEST = ORDER[:20], ORDER[20:30]
X, Y = IMAGES[TRAIN], LABELS[TRAIN]
X_TEST, Y_TEST = IMAGES[TEST], LABELS[TEST] % 2
Y2 = Y % 2  # odd or even
MASKS = RNG.random((40, 20)) < 0.5
MASKS = MASKS[
    MASKS[:, LABELS[TRAIN] % 2 == 0].any(axis=1) & MASKS[:, LABELS[TRAIN] % 2 == 1].any(axis=1)
]


class Counting:
    """A learner that counts how often it was trained, in this process."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.trained: list[tuple[int, int]] = []

    def __call__(self, X: np.ndarray, y: np.ndarray, seed: int) -> Any:  # noqa: ANN401
        """Train nearest class means."""
        self.trained.append((len(X), seed))
        means = np.stack([X[y == label].mean(axis=0) for label in (0, 1)])
        return lambda test: -((test[:, None] - means) ** 2).sum(axis=2)

    fingerprint = "counting"


def make(train: Any = None, **options: Any) -> DataSubsetGame:  # noqa: ANN401
    """Make a game of 20 digits, odd or even."""
    options = {"value": Margin(X_TEST, Y_TEST), **options}
    return DataSubsetGame(KNeighborsClassifier(3) if train is None else train, X, Y2, **options)


def test_a_value_is_that_of_the_model_trained_by_hand() -> None:
    """On the points that are there, for one test point."""
    game = make(LogisticRegression(), value=Margin(X_TEST, Y_TEST, 4))
    for mask, value in zip(MASKS[:5], game(MASKS[:5]), strict=True):
        fitted = LogisticRegression().fit(X[mask], Y2[mask])
        expected = fitted.decision_function(X_TEST[4:5])[0] * (1 if Y_TEST[4] else -1)
        assert value == pytest.approx(expected, abs=1e-9)


def test_groups_come_and_go_as_one() -> None:
    """The players are the groups in order, all of whose points are there or none."""
    game = make(groups=Y, value=Score("accuracy", X_TEST, Y_TEST))
    digits = np.unique(Y)
    assert game.player_names == [str(digit) for digit in digits]
    chosen = np.isin(digits, [2, 3, 8])
    by_hand = KNeighborsClassifier(3).fit(X[np.isin(Y, [2, 3, 8])], Y2[np.isin(Y, [2, 3, 8])])
    assert game(chosen)[0] == by_hand.score(X_TEST, Y_TEST)
    np.testing.assert_array_equal(game.points([0, 1]), np.flatnonzero(np.isin(Y, digits[:2])))


def test_all_masks_have_a_finite_value() -> None:
    """Nobody, single points, one class, all: for learners that cannot do with these, too."""
    odd = [*np.eye(20, dtype=bool), np.zeros(20, bool), np.ones(20, bool), Y2 == 0, Y2 == 1]
    for train in (KNeighborsClassifier(5), DecisionTreeClassifier(), SVC(), LogisticRegression()):
        values = make(train)(np.array(odd))
        assert np.isfinite(values).all()
        assert np.abs(values).max() < 20


def test_a_failure_has_no_value_and_is_told_of_from_the_first_on() -> None:
    """Five neighbours of fewer points: NaN, counted, with the learner's own words."""
    game = make(KNeighborsClassifier(5))
    few = np.zeros((4, 20), dtype=bool)
    few[:, [0, int(np.flatnonzero(Y2[0] != Y2)[0])]] = True
    masks = np.concatenate([MASKS[:20], few[:1]])
    with pytest.warns(UserWarning, match="1 of 22 retrainings failed, mostly with 'ValueError: E"):
        values = game(masks)
    np.testing.assert_array_equal(np.isnan(values), [False] * 20 + [True])
    with pytest.warns(UserWarning, match="5 of 26 retrainings failed"):
        game(few)
    assert sum(game.failures.values()) == 5
    game(few[:1])  # silent until there are twice as many


class Logging:
    """A learner that writes down each training, in whatever process, and fails as it is told to."""

    fingerprint = "logging"

    def __init__(self, log: Path, fails: Any) -> None:  # noqa: ANN401
        """Take a function of the targets and the number of the training."""
        self.log, self.fails = log, fails

    def __call__(self, X: np.ndarray, y: np.ndarray, seed: int) -> Any:  # noqa: ANN401
        """Train nearest class means."""
        with self.log.open("a") as file:
            file.write(f"{len(y)}\n")
        if self.fails(y, self.count()):
            msg = "there is no such layer"
            raise AttributeError(msg)
        return Counting()(X, y, seed)

    def count(self) -> int:
        """Return how many trainings there were."""
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


def always(y: np.ndarray, number: int) -> bool:  # noqa: ARG001
    """Fail."""
    return True


NOTHING = np.zeros((1, 20), dtype=bool)
ONE_CLASS = (Y2 == 0)[None]


@pytest.mark.parametrize(
    ("backend", "first"),
    [
        *(("sequential", first) for first in (MASKS[:0], NOTHING, ONE_CLASS, ~NOTHING)),
        ("threading", NOTHING),
        ("loky", ONE_CLASS),
    ],
)
def test_a_learner_that_never_works_is_an_error_within_two_trainings(
    backend: str, first: np.ndarray, tmp_path: Path
) -> None:
    """Whatever comes first, a mistake in a training function must not look like a game."""
    learner = Logging(tmp_path / "log", always)
    masks = np.concatenate([first, MASKS])
    game = make(learner)
    with joblib.parallel_config(backend, n_jobs=2):
        for each in (game, game.at(1), game.with_value(LogLoss(X_TEST, Y_TEST))):
            with pytest.raises(RuntimeError, match="whole training data: AttributeError: there is"):
                each(masks)
    assert learner.count() == 2


def test_a_learner_that_never_works_ends_the_run_of_a_store(tmp_path: Path) -> None:
    """With its own words, and no further training for each mask."""
    learner = Logging(tmp_path / "log", always)
    stored = StoredGame(make(learner), tmp_path / "a.sqlite")
    with pytest.raises(AblationError, match="there is no such layer"):
        stored(MASKS)
    assert learner.count() == 2


def test_all_points_are_trained_on_first_and_once(tmp_path: Path) -> None:
    """For all values of a game, and not at all where a store has everything."""
    learner = Logging(tmp_path / "log", lambda *_: False)
    game = make(learner)
    asked = np.concatenate([MASKS[:5], ~NOTHING])
    stored = StoredGame(game, tmp_path / "a.sqlite")
    stored(asked)
    game.at(2)(MASKS[:3])
    game(~NOTHING)
    assert learner.log.read_text().splitlines()[0] == "20"
    assert learner.count() == 5 + 1 + 3
    StoredGame(make(learner), tmp_path / "a.sqlite")(asked)
    assert learner.count() == 5 + 1 + 3


def test_a_single_failure_on_all_points_may_be_chance(tmp_path: Path) -> None:
    """Another seed tells; the mask itself has no value."""
    learner = Logging(tmp_path / "log", lambda y, number: number == 1)  # noqa: ARG005
    with pytest.warns(UserWarning, match="1 of 4 retrainings failed"):
        values = make(learner)(np.concatenate([~NOTHING, MASKS[:2]]))
    np.testing.assert_array_equal(np.isnan(values), [True, False, False])


def test_failures_by_chance_leave_an_explanation(tmp_path: Path) -> None:
    """One in twenty fails: the rest is explained, and record and warnings count them."""

    def by_chance(y: np.ndarray, number: int) -> bool:  # noqa: ARG001
        return number % 20 == 10

    for name in ("alone", "stored"):
        game = make(Logging(tmp_path / name, by_chance))
        approximator = ProxySPEX(20, 2, "FBII", random_state=0)
        asked = game if name == "alone" else StoredGame(game, tmp_path / "a.sqlite")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            approximator.approximate(400, asked)
        record = approximator.record
        assert record.failed == sum(game.failures.values()) == 20
        assert record.evaluated == 380
        texts = " ".join(str(each.message) for each in caught)
        assert "20 of 400 retrainings failed, mostly with 'AttributeError: there is" in texts
        assert "There is no value for 20 of 400 masks" in texts
        assert approximator.cv_faithfulness > 0.9


class Coded(ClassifierMixin, BaseEstimator):
    """Nearest class means that refuse labels with a gap, as XGBoost does, unless told not to."""

    def __init__(self, *, strict: bool = True) -> None:
        """Say whether to refuse."""
        self.strict = strict

    def fit(self, X: np.ndarray, y: np.ndarray) -> Coded:
        """Train."""
        self.classes_ = np.unique(y)
        if self.strict and self.classes_.max() >= len(self.classes_):
            msg = "Invalid classes"
            raise ValueError(msg)
        self.means_ = np.stack([X[y == label].mean(axis=0) for label in self.classes_])
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Return logits, or of two classes their difference."""
        logits = -((X[:, None] - self.means_) ** 2).sum(axis=2)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits


def test_a_rare_class_makes_no_effects_of_failures() -> None:
    """Where a classifier refuses what others take, its explanation is the same as theirs."""
    classes = np.where(np.arange(20) < 2, 1, 2 * Y2)  # two points of class 1
    game = DataSubsetGame(Coded(), X, classes, value=Margin(X_TEST, 2 * Y_TEST))
    other = DataSubsetGame(Coded(strict=False), X, classes, value=Margin(X_TEST, 2 * Y_TEST))
    tops = []
    for each in (game, other):
        approximator = ProxySPEX(20, 2, "FBII", random_state=0)
        tops.append(each.top(approximator.approximate(300, each)))
        assert approximator.record.failed == 0
    assert tops[0] == tops[1]


def test_a_function_that_refuses_a_missing_class_is_explained_without() -> None:
    """Its strongest effects are those of a function that does not, and what fails is counted."""
    classes = np.where(np.arange(20) < 3, 1, 2 * Y2)

    def train(X: np.ndarray, y: np.ndarray, seed: int) -> Any:  # noqa: ANN401, ARG001
        if len(np.unique(y)) < 3:
            msg = "a class is missing"
            raise ValueError(msg)
        return Coded().fit(X, np.unique(y, return_inverse=True)[1]).decision_function

    strongest = []
    for learner in (train, Coded(strict=False)):
        game = DataSubsetGame(learner, X, classes, value=Margin(X_TEST, 2 * Y_TEST))
        approximator = ProxySPEX(20, 1, "FBII", random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            explanation = approximator.approximate(500, game)
        players = sorted(range(20), key=lambda player: -abs(explanation[(player,)]))
        strongest.append(players[:10])
        if learner is train:
            assert approximator.record.failed == sum(game.failures.values()) > 30
    assert len(set(strongest[0]) & set(strongest[1])) >= 8


def test_one_retraining_answers_for_all_test_points_and_values(tmp_path: Path) -> None:
    """In a store, other points and other values cost nothing."""
    learner = Counting()
    game = make(learner)
    path = tmp_path / "a.sqlite"
    StoredGame(game, path)(MASKS)
    n_trained = len(learner.trained)
    assert n_trained <= len(MASKS) + 1  # all points come first
    each = [StoredGame(game.at(point), path)(MASKS) for point in range(len(Y_TEST))]
    mean = StoredGame(game, path)(MASKS)
    np.testing.assert_allclose(np.mean(each, axis=0), mean)
    for value in (LogLoss(X_TEST, Y_TEST, 2), Score("roc_auc", X_TEST, Y_TEST)):
        StoredGame(game.with_value(value), path)(MASKS)
    assert len(learner.trained) == n_trained


def test_what_changes_a_retraining_changes_the_fingerprint() -> None:
    """The learner, the data, the test inputs, groups, clip and seed; not labels and points."""
    game = make()
    same = [game.at(3), game.with_value(LogLoss(X_TEST, Y_TEST)), make()]
    other = [
        make(KNeighborsClassifier(4)),
        make(groups=Y),
        make(clip=0.01),
        make(random_state=1),
        make(value=Margin(X_TEST[:5], Y_TEST[:5])),
        DataSubsetGame(KNeighborsClassifier(3), X, 1 - Y2, value=Margin(X_TEST, Y_TEST)),
    ]

    def digest(game: DataSubsetGame) -> str:
        return shapiq_spex.ablations._fingerprint.Identifier(game).fingerprint()

    assert {digest(each) for each in same} == {digest(game)}
    assert len({digest(each) for each in [game, *other]}) == 1 + len(other)


def test_evaluating_does_not_change_the_fingerprint(tmp_path: Path) -> None:
    """What it counts is no part of what it is."""
    game = make(KNeighborsClassifier(5))
    stored = StoredGame(game, tmp_path / "a.sqlite")
    before = stored.fingerprint
    stored(MASKS)
    assert stored.fingerprint == before


def test_repeats_have_seeds_of_their_own_and_measure_chance(tmp_path: Path) -> None:
    """A network's weights begin at random; a learner without chance has a noise level of 0."""
    levels = []
    for learner in (MLPClassifier((4,), max_iter=20), LogisticRegression()):
        game = make(learner, value=LogLoss(X_TEST, Y_TEST))
        stored = StoredGame(game, tmp_path / "a.sqlite", repeats=2)
        approximator = ProxySPEX(20, 1, "BV", random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # so few masks make no good explanation
            approximator.approximate(40, stored)
        levels.append(approximator.noise_level)
    assert levels[0] > 0.05
    assert levels[1] == pytest.approx(0.0, abs=1e-12)


def test_equal_random_states_give_equal_values() -> None:
    """And others do not, where there is chance."""
    trees = DecisionTreeClassifier(max_features=2)
    first, again, other = (make(trees, random_state=seed)(MASKS) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_it_does_not_touch_global_randomness() -> None:
    """NumPy's old global state is a user's own."""
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make(MLPClassifier((3,), max_iter=3))(MASKS[:3])
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_several_processes_give_the_same_values() -> None:
    """By joblib's own configuration."""
    game = make(LogisticRegression())
    expected = game(MASKS)
    with joblib.parallel_config("loky", n_jobs=2):
        np.testing.assert_array_equal(game(MASKS), expected)


def test_regressions_are_explained_by_predictions_and_scores() -> None:
    """The players' effect on a prediction, or on how good predictions are."""
    target = X @ RNG.normal(size=64)
    game = DataSubsetGame(LinearRegression(), X, target, value=Prediction(X_TEST, 2))
    mask = MASKS[0]
    by_hand = LinearRegression().fit(X[mask], target[mask]).predict(X_TEST[2:3])
    assert game(mask)[0] == pytest.approx(by_hand[0], abs=1e-9)
    score = game.with_value(Score("r2", X_TEST, X_TEST[:, 0]))
    assert np.isfinite(score(MASKS)).all()


def test_it_goes_into_shapiqs_own_approximators() -> None:
    """As any game does."""
    game = make(LogisticRegression())
    values = shapiq.KernelSHAP(20, random_state=0).approximate(100, game)
    assert np.isfinite(values.values).all()


def test_copies_of_a_point_come_out_as_redundant_and_xor_corners_as_a_synergy() -> None:
    """The worked example of the README: whether the test point is right takes both corners."""
    corners = np.array([[0.0, 0], [1, 1], [0, 1], [1, 0]])
    inputs = np.concatenate([corners, corners[:1]])  # the last one is a copy of the first
    labels = np.array([0, 0, 1, 1, 0])
    learner = SVC(kernel="rbf", gamma=2.0, C=100.0)
    game = DataSubsetGame(learner, inputs, labels, value=Score("accuracy", corners, [0, 0, 1, 1]))
    approximator = ProxySPEX(5, 2, "FBII")
    approximator.approximate(32, game)
    found = {each.players: each for each in partners(approximator.spectrum)}
    assert found[0, 4].kind == "redundancy"
    assert found[0, 4].last == pytest.approx(0.0, abs=1e-9)
    assert found[2, 3].kind == "synergy"
    assert near_duplicates(approximator.spectrum) == [(0, 4)]


def test_each_retraining_is_kept_as_soon_as_it_is_there(tmp_path: Path) -> None:
    """A run that is killed within a batch loses the one under way alone."""
    script = f"""
import os, signal, time
import numpy as np
from shapiq_spex import StoredGame
from shapiq_spex.games import DataSubsetGame, Margin
count = 0
def train(X, y, seed):
    global count
    count += 1
    if count == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.3)
    return lambda test: np.zeros((len(test), 2))
rng = np.random.default_rng(0)
game = DataSubsetGame(train, rng.normal(size=(10, 2)), np.arange(10) % 2,
                      value=Margin(np.zeros((1, 2)), [1]))
masks = rng.random((50, 10)) < .5
masks = masks[masks[:, ::2].any(axis=1) & masks[:, 1::2].any(axis=1)]
StoredGame(game, {str(tmp_path / "a.sqlite")!r}, fingerprint="x")(masks)
"""
    run = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)  # noqa: S603
    assert run.returncode == -signal.SIGKILL, run.stderr
    kept = StoredGame(lambda m: m[:, 0], tmp_path / "a.sqlite", n_players=10, fingerprint="x")
    assert len(kept.ablations()[1]) == 6  # without that on all points


def test_the_time_limit_holds_within_a_batch(tmp_path: Path) -> None:
    """No retraining begins after it, and the explanation rests on what there is."""

    def slow(X: np.ndarray, y: np.ndarray, seed: int) -> Any:  # noqa: ANN401, ARG001
        time.sleep(0.05)
        return lambda test: np.zeros((len(test), 2))

    stored = StoredGame(make(slow), tmp_path / "a.sqlite", max_seconds=0.5, fingerprint="slow")
    values = stored(MASKS)
    assert 0 < np.isfinite(values).sum() < len(MASKS)


def test_an_interrupt_loses_nothing_that_was_finished(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a batch."""
    trained: list[int] = []

    def interrupted(X: np.ndarray, y: np.ndarray, seed: int) -> Any:  # noqa: ANN401, ARG001
        if len(trained) == 5:
            raise KeyboardInterrupt
        trained.append(len(X))
        time.sleep(0.3)  # so that each is a task of its own
        return lambda test: np.zeros((len(test), 2))

    stored = StoredGame(make(interrupted), tmp_path / "a.sqlite", fingerprint="interrupted")
    with pytest.raises(KeyboardInterrupt):
        stored(MASKS)
    assert len(stored.ablations()[1]) == 4  # the first one was on all points


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"value": "accuracy"}, TypeError, "value must be a value such as Margin"),
        ({"value": Margin(X_TEST, Y_TEST + 5)}, ValueError, "have no class"),
        ({"value": Prediction(X_TEST)}, ValueError, "for regressions"),
        ({"groups": [1, 2]}, ValueError, r"groups must have shape \(20,\)"),
        ({"names": ["a"]}, ValueError, "20 players, and 1 names"),
    ],
)
def test_what_does_not_fit_is_refused(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    """Before anything is trained."""
    with pytest.raises(error, match=text):
        make(**options)


def test_targets_of_another_number_are_refused() -> None:
    """One for each point."""
    with pytest.raises(ValueError, match="one target for each of the 20 training points"):
        DataSubsetGame(LogisticRegression(), X, Y2[:5], value=Margin(X_TEST, Y_TEST))


def test_other_test_inputs_need_a_game_of_their_own() -> None:
    """The outputs that are kept are not for them."""
    with pytest.raises(ValueError, match="other test inputs"):
        make().with_value(Margin(X_TEST + 1, Y_TEST))
    with pytest.raises(TypeError, match="Score is a value of all test points"):
        make(value=Score("accuracy", X_TEST, Y_TEST)).at(0)
    with pytest.raises(ValueError, match="test points 0 to 9"):
        make().at(10)


def test_results_have_the_names_of_the_players() -> None:
    """Of the groups, or a user's own."""
    game = make(names=[f"image {i}" for i in range(20)])
    explanation = ProxySPEX(20, 2, "FBII", random_state=0).approximate(300, game)
    assert game.top(explanation, 1)[0].startswith("(image ")
    assert list(game.to_dataframe(explanation).columns) == ["parts", "players", "order", "value"]
