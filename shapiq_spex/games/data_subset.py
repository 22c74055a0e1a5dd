"""Retraining on subsets of the training data as a game: the players are training points."""

from __future__ import annotations

import copy
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from shapiq import Game
from tqdm.auto import tqdm

from shapiq_spex._numbers import check_integer, refuse_masked
from shapiq_spex.ablations import check_values

from . import _results
from ._inputs import count, same_inputs
from .training import Tally, Training, as_learner, train_subsets
from .values import Value
from .values._value import check_point

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from .training._learner import Task

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

CLIP = 1e-3
"""The least probability of a class by default: a margin is then at most 6.9 in size."""

_BATCH_SIZE = 1024  # a store keeps what is there before a batch is whole
_QUIET_SECONDS = 2.0
_SEED_BITS = 31
_TRIES = 2  # of the whole training data, with as many seeds
_CHECKING = threading.RLock()  # a learner may play games of its own
_HERE = str(Path(__file__).parent)  # warnings point to who called the package


class TrainingError(RuntimeError):
    """A learner fails whatever it is trained on."""

    public = True  # a store shows what it says
    hopeless = True  # and asks for no other mask


class DataSubsetGame(_results.NamedPlayers, Game):
    """Which training points a model's answer rests on, and which of them act together.

    The players are training points, or groups of them. A mask says which are there; the model is
    trained on these alone, and the value is what it then says of test points. From one retraining
    come the outputs for all test points, so that in a :class:`~shapiq_spex.StoredGame` other values
    of the same retrainings cost nothing: see :meth:`at`.

    Retrainings run by joblib: within ``joblib.parallel_config(backend="loky")`` on all cores,
    with ``"dask"`` or ``"ray"`` on a cluster.

    Where there is nothing to learn from, no point or one class, the outputs are the frequencies of
    the classes among the points that are there (of all points, if none is), or the mean of their
    targets. A classifier that refuses points which lack a class, as XGBoost does, is trained on
    numbers of the classes that are there; the missing one has the probability ``clip``.

    The learner is first trained on all points. If it fails on these, that is an error. A mask on
    which it fails later has no value: it is NaN, a store keeps nothing of it and tries it again in
    the next run, and this package's approximators do without it, warn of it, and count it in their
    ``record``. A stand-in would make an effect of the failure. ``failures`` counts the errors.

    Attributes:
        value: What is explained.
        player_names: The names of the players.
        failures: How often what went wrong in a retraining, of this value or another one that
            :meth:`at` or :meth:`with_value` returned.

    Examples:
        >>> import numpy as np
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from shapiq_spex.games import DataSubsetGame, Margin
        >>> X, y = np.array([[0.0], [0.1], [1.0], [1.1]]), np.array([0, 0, 1, 1])
        >>> learner = KNeighborsClassifier(n_neighbors=1)
        >>> game = DataSubsetGame(learner, X, y, value=Margin([0.9], 1))
        >>> game(np.array([[True, True, True, True], [True, True, False, False]])).round(1).tolist()
        [6.9, -6.9]
    """

    may_fail = True  # NaN is no mistake: a mask without a value

    def __init__(
        self,
        train: Any,  # noqa: ANN401 an estimator or a function
        X: Any,  # noqa: ANN401 whatever the learner takes
        y: ArrayLike,
        *,
        value: Value,
        groups: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        clip: float = CLIP,
        task: Task | None = None,
        random_state: int = 0,
        batch_size: int | None = None,
    ) -> None:
        """Check everything; nothing is trained yet.

        Args:
            train: A classifier or regressor of scikit-learn's kind, a pipeline among them, which is
                cloned and gets seeds for all its ``random_state``; or a function
                ``(X, y, seed) -> predictor``. The predictor is a function from test inputs to
                logits, one column for each class of ``y`` in order (or predictions, for a
                regression), or an object with ``predict_proba``, ``decision_function`` or
                ``predict`` and ``classes_``.
            X: The training inputs: an array, a sparse matrix, a data frame or a list.
            y: Their targets, shape ``(p,)``.
            value: What is explained: :class:`Margin`, :class:`LogLoss`, :class:`Score`,
                :class:`Prediction`, or an object of your own with the same methods.
            groups: The group of each point, shape ``(p,)``, such as its class, source or file; the
                groups in order are then the players. By default each point is one.
            names: The names of the players; by default the groups, or the points' numbers.
            clip: The least probability of a class. Learners with probabilities of 0, such as
                forests or nearest neighbours, would otherwise have infinite logits.
            task: ``"classification"`` or ``"regression"``; found from an estimator, or for a
                function from the targets.
            random_state: The seed of all retrainings; repeats of a mask have others.
            batch_size: How many masks a store hands over at once, by default 1024. Each retraining
                is kept as soon as it is there.

        Raises:
            ValueError: If the numbers of inputs, targets, groups or names differ, one of them is
                masked, a number is out of range, or the value does not go with the targets.
            TypeError: If the learner is none, or a number is none.
        """
        refuse_masked("X", X)
        check_integer("random_state", random_state, 0)
        if batch_size is not None:
            check_integer("batch_size", batch_size, 1)
        targets = _as_targets(y, count(X))
        learner = as_learner(train, targets, task, clip)
        if not isinstance(value, Value):
            msg = f"value must be a value such as Margin(X_test, y_test), got {value!r}."
            raise TypeError(msg)
        value.check(learner.classes)
        labels, members = _group(groups, len(targets))
        if names is not None and len(names) != len(labels):
            msg = f"There are {len(labels)} players, and {len(names)} names."
            raise ValueError(msg)
        super().__init__(n_players=len(labels), normalize=False)
        self.value = value
        self.player_names = [str(name) for name in (labels if names is None else names)]
        self.batch_size = batch_size or _BATCH_SIZE
        self._training = Training(learner, X, targets, value.X)
        self._members = members
        self._random_state = random_state
        self._tally = Tally()

    @property
    def failures(self) -> Counter[str]:
        """How often what went wrong in a retraining."""
        return self._tally.failures

    @property
    def classes(self) -> NDArray[Any] | None:
        """The classes in order, the columns of logits; None for a regression."""
        return self._training.learner.classes

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Everything that changes what comes out of a retraining."""
        training = self._training
        learner = [training.learner.train, training.learner.classes, training.learner.clip]
        data = [training.X, training.y, self._members, training.X_test]
        return {"game": "data", "learner": learner, "data": data, "seed": self._random_state}

    def points(self, players: Sequence[int]) -> IntArray:
        """Return the positions of the training points of some players.

        Args:
            players: Their numbers.

        Returns:
            The positions in the training data, in increasing order.
        """
        return np.flatnonzero(np.isin(self._members, np.asarray(players, dtype=np.int64)))

    def at(self, point: int) -> Self:
        """Return the game of one of several test points, which has the same retrainings.

        In a store of the same file, it costs none.

        Args:
            point: The position of the test point.

        Returns:
            The game.

        Raises:
            ValueError: If there is no such point.
            TypeError: If the value is none of single points.
        """
        check_point(point, count(self.value.X))
        if not hasattr(self.value, "point"):
            msg = f"{type(self.value).__name__} is a value of all test points together."
            raise TypeError(msg)
        return self.with_value(replace(self.value, point=point))  # type: ignore[type-var]

    def with_value(self, value: Value) -> Self:
        """Return the game of another value of the same test inputs, with the same retrainings.

        Args:
            value: The value.

        Returns:
            The game.

        Raises:
            ValueError: If it has other test inputs, or does not go with the targets.
        """
        if not same_inputs(value.X, self.value.X):
            msg = "This value has other test inputs: make a game of its own for them."
            raise ValueError(msg)
        value.check(self.classes)
        other = copy.copy(self)
        other.value = value
        return other

    def stream(
        self, coalitions: BoolArray, repeat: int = 0
    ) -> Iterator[tuple[IntArray, FloatArray]]:
        """Retrain, and hand on what comes out as soon as it is there: what costs.

        Args:
            coalitions: Shape ``(m, n)``.
            repeat: Which of several evaluations this is; each has its own seed.

        Yields:
            The positions of some coalitions, and their outputs, shape ``(c, d)``. Coalitions whose
            retraining failed never come.

        Raises:
            TrainingError: If the learner fails on all training points.
        """
        present = np.asarray(coalitions, dtype=bool)[:, self._members]
        if len(present) == 0:
            return
        self._check_works(repeat)
        seed = self._seed(repeat)
        known = self._tally.whole.get(seed)
        whole = present.all(axis=1) & (known is not None)
        rest = np.flatnonzero(~whole)
        try:
            if known is not None and known.worked.all() and whole.any():
                yield np.flatnonzero(whole), known.outputs.repeat(whole.sum(), axis=0)
            for piece in train_subsets(self._training, present[rest], seed):
                self._tally.take(piece)
                yield rest[piece.positions[piece.worked]], piece.outputs[piece.worked]
        finally:  # of a run that stops at a limit, as well
            if message := self._tally.tell():
                warnings.warn(message, skip_file_prefixes=(_HERE,))

    def outputs(self, coalitions: BoolArray, repeat: int = 0) -> FloatArray:
        """Retrain: what costs, and what a store keeps.

        Args:
            coalitions: Shape ``(m, n)``.
            repeat: Which of several evaluations this is; each has its own seed.

        Returns:
            Logits of all classes, or predictions, for all test points, shape ``(m, d)``; NaN where
            the retraining failed.
        """
        width = count(self._training.X_test) * self._training.learner.width
        found = np.full((len(coalitions), width), np.nan)
        for positions, outputs in self.stream(coalitions, repeat):
            found[positions] = outputs
        return found

    def values(self, outputs: FloatArray) -> FloatArray:
        """Turn the outputs of retrainings into values.

        Args:
            outputs: Shape ``(m, d)``.

        Returns:
            Array of shape ``(m,)``.
        """
        learner = self._training.learner
        shape = (len(outputs), count(self._training.X_test), learner.width)
        return self.value.values(outputs.reshape(shape), learner.classes)

    def value_function(self, coalitions: np.ndarray) -> np.ndarray:
        """Return the values of coalitions.

        Args:
            coalitions: Which players are present, shape ``(m, n)``.

        Returns:
            The values, shape ``(m,)``; NaN where the retraining failed.
        """
        values = np.full(len(coalitions), np.nan)
        with tqdm(
            total=len(coalitions), desc="Retrainings", delay=_QUIET_SECONDS, leave=False
        ) as bar:
            for positions, outputs in self.stream(coalitions):
                part = check_values(self.values(outputs), coalitions[positions])
                values[positions] = part
                bar.update(len(positions))
        return values

    def _seed(self, repeat: int) -> int:
        """Return the seed of a repeat."""
        sequence = np.random.SeedSequence([self._random_state, repeat])
        return int(sequence.generate_state(1)[0]) >> (32 - _SEED_BITS)

    def _check_works(self, repeat: int) -> None:
        """Train on all points, once for a game: what fails there has no value at all.

        A learner that fails by chance gets a second try with another seed.

        Raises:
            TrainingError: If both failed, now or before.
        """
        tally = self._tally
        with _CHECKING:  # threads may ask at the same time
            for seed in (self._seed(repeat), self._seed(repeat + 1)):
                if not tally.works and len(tally.whole) < _TRIES:
                    everything = np.ones((1, len(self._training.y)), dtype=bool)
                    for piece in train_subsets(self._training, everything, seed):
                        tally.take(piece)
                        tally.whole[seed] = piece
        if not tally.works:
            (trouble,) = next(iter(tally.whole.values())).troubles
            msg = f"The learner fails on the whole training data: {trouble}"
            raise TrainingError(msg)


def _as_targets(y: ArrayLike, n_points: int) -> NDArray[Any]:
    """Return targets as an array, or say what is wrong with them."""
    refuse_masked("y", y)
    targets = np.asarray(y)
    if targets.ndim != 1 or len(targets) != n_points or n_points == 0:
        msg = (
            f"y must have one target for each of the {n_points} training points, shape "
            f"({n_points},), got {targets.shape}."
        )
        raise ValueError(msg)
    return targets


def _group(groups: ArrayLike | None, n_points: int) -> tuple[list[Any], IntArray]:
    """Return the players' labels, and the player of each point."""
    if groups is None:
        return list(range(n_points)), np.arange(n_points)
    refuse_masked("groups", groups)
    given = np.asarray(groups)
    if given.shape != (n_points,):
        msg = f"groups must have shape ({n_points},), one group a point, got {given.shape}."
        raise ValueError(msg)
    labels, members = np.unique(given, return_inverse=True)
    return labels.tolist(), members.astype(np.int64)
