"""Compare methods on one game, each with the same budgets and, where it can, the same masks."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from operator import index as as_integer
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm.auto import tqdm

from shapiq_spex.ablations import find_players
from shapiq_spex.approximators import ProxySPEX
from shapiq_spex.evaluation import draw_test_masks, fresh_seed, is_constant
from shapiq_spex.spectrum import FourierSpectrum

from ._memory import few_collected
from ._methods import Method, as_methods
from ._metrics import Test, judge, judge_recall, judge_removal, stability
from ._run import Run, run
from ._watch import GameError, SharedGame
from .table import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from ._methods import Approximates

    MethodLike = str | Approximates | Callable[[int, int], Approximates]
    Row = dict[str, Any]
    _Plan = tuple[Method, int, int, int]

DEFAULT_METHODS = ("proxyspex", "spex", "kernelshap", "faith-shap", "faith-banzhaf", "lime")
_QUIET_SECONDS = 2.0
_REFERENCE_SEED = 1 << 32  # beyond those of the repeats


def compare(
    game: Callable[[NDArray[np.bool_]], Any],
    methods: MethodLike | Sequence[MethodLike] | Mapping[str, MethodLike] = DEFAULT_METHODS,
    budgets: int | Sequence[int] = (100, 300, 1000),
    repeats: int = 1,
    *,
    n_players: int | None = None,
    n_masks: int = 1000,
    random_state: int | None = None,
    terms: Sequence[int] = (10, 30, 100),
    removals: Sequence[float] = (0.1, 0.3),
    top: int = 10,
    reference: int | None = None,
    name: str = "game",
    progress: bool = True,
) -> Comparison:
    """Compare methods on one game.

    All of them are tested on the same fresh uniform masks, and judged by those that they have not
    asked for themselves. No mask is evaluated twice, whoever asks for it; that is kept in memory,
    and beyond the call where the game is a :class:`~shapiq_spex.StoredGame`. ProxySPEX, LIME,
    LASSO, ridge regression and Banzhaf values rest on the very same masks. A method that fails has
    a row that says why; an error of the game itself ends the comparison.

    Args:
        game: A game of shapiq, or a callable from boolean masks ``(m, n)`` to values ``(m,)``.
        methods: Names out of ``shapiq_spex.METHODS``, approximators of shapiq's kind, or functions
            from the number of players and a seed to one; a mapping gives them names of your own.
        budgets: How many masks each method may ask for.
        repeats: How often to run each with each budget, by different seeds.
        n_players: The number of players, for a callable that does not say it.
        n_masks: How many masks to test on; where there are no more, all of them.
        random_state: The seed of the test masks and of the first repeat, the next ones counting up
            from it; None for a fresh one.
        terms: To how many Fourier terms predictions are cut for ``r2_top_...``.
        removals: How many players to remove for ``removal_...``: integers, or shares below 1.
        top: How many of the largest terms ``recall`` looks for.
        reference: How many times the largest budget the reference of ``recall`` gets, such as 10:
            masks that are evaluated for nothing else. Without, and unless all masks are tested on
            anyway, there is no recall.
        name: The game's name in the table.
        progress: Whether to show the progress of what takes longer than two seconds.

    Returns:
        The table, a row for each method, budget and repeat; :class:`Comparison` says what is in it.

    Raises:
        ValueError: If a method is unknown, a number is out of range, the number of players is
            unknown, or the game has no value for a mask.
        TypeError: If a number is no integer, or the game's values are no numbers.

    Examples:
        >>> from shapiq_spex import compare
        >>> def decision(masks):
        ...     return 2.0 * masks[:, 3] + 5.0 * (masks[:, 0] & masks[:, 1])
        >>> table = compare(
        ...     decision, ["proxyspex", "kernelshap"], [100], n_players=20, random_state=0
        ... )
        >>> [(row["method"], round(row["r2"], 1)) for row in table.rows]
        [('proxyspex', 1.0), ('kernelshap', 0.4)]
    """
    players = _at_least("n_players", find_players(game, n_players), 1)
    seed = fresh_seed() if random_state is None else _at_least("random_state", random_state, 0)
    plan = _plan(as_methods(methods, players), budgets, repeats, seed)
    _at_least("n_masks", n_masks, 2)
    terms, removals = tuple(terms), tuple(removals)
    _check_numbers(terms, removals, top, reference)
    shared = SharedGame(game, players)
    task = _Task(name, shared, terms, removals, top)
    try:
        with few_collected():
            test = Test.take(shared, draw_test_masks(players, n_masks, seed), seed)
            largest = max(budget for _, budget, _, _ in plan)
            best = _reference(shared, test, reference, largest, seed)
            shown = tqdm(
                plan, desc="Comparing", delay=_QUIET_SECONDS, leave=False, disable=not progress
            )
            found = [task.run(each, test, best) for each in shown]
    except GameError as error:
        failure = error.__cause__ or error
    else:
        rows = [row for row, _ in found]
        _add_stability(rows, [predictions for _, predictions in found])
        _add_noise(rows, test)
        return Comparison(rows)
    raise failure  # not while the other error is handled, which it would drag along


@dataclass(frozen=True)
class _Task:
    """What is the same in all runs."""

    name: str
    game: SharedGame
    terms: tuple[int, ...]
    removals: tuple[float, ...]
    top: int

    def run(
        self, plan: _Plan, test: Test, reference: FourierSpectrum | None
    ) -> tuple[Row, NDArray[np.float64] | None]:
        """Run a method once; return its row, and what it predicts for the test masks."""
        method, budget, repeat, seed = plan
        found = run(method, self.game, budget, seed)
        row: Row = {"game": self.name, "n_players": self.game.n_players, "method": method.name}
        row |= {"budget": budget, "repeat": repeat, **_costs(found)}
        if found.prediction is None:
            return row, None
        predictions = found.prediction.evaluate(test.masks)
        row |= judge(found, predictions, test, self.terms)
        row |= judge_removal(found, self.game, self.removals)
        row |= judge_recall(found, reference, self.top)
        return row, predictions


def _plan(
    methods: list[Method], budgets: int | Sequence[int], repeats: int, seed: int
) -> list[_Plan]:
    """List the runs: method, budget, repeat and seed."""
    given = [budgets] if np.ndim(budgets) == 0 else list(budgets)  # type: ignore[arg-type]
    sizes = sorted({_at_least("A budget", budget, 1) for budget in given})
    if not sizes:
        msg = "There is no budget to compare at."
        raise ValueError(msg)
    count = _at_least("repeats", repeats, 1)
    return [
        (method, budget, repeat, seed + repeat)
        for budget in sizes
        for method in methods
        for repeat in range(count)
    ]


def _check_numbers(
    terms: Sequence[int], removals: Sequence[float], top: int, reference: int | None
) -> None:
    """Refuse numbers of metrics that are out of range."""
    for count in terms:
        _at_least("Each of terms", count, 1)
    for removal in removals:
        whole = isinstance(removal, int | np.integer) and not isinstance(removal, bool)
        if removal < 1 if whole else not 0 < removal < 1:
            msg = f"removals are numbers of players or shares between 0 and 1, got {removal}."
            raise ValueError(msg)
    _at_least("top", top, 1)
    if reference is not None:
        _at_least("reference", reference, 1)


def _at_least(name: str, value: object, least: int) -> int:
    """Return an integer that is not too small."""
    try:
        number = as_integer(value)  # type: ignore[arg-type]  # what it refuses is an error here
    except TypeError:
        msg = f"{name} must be an integer, got {value!r}."
        raise TypeError(msg) from None
    if number < least:
        msg = f"{name} must be at least {least}, got {number}."
        raise ValueError(msg)
    return number


def _reference(
    game: SharedGame, test: Test, times: int | None, budget: int, seed: int
) -> FourierSpectrum | None:
    """Return the spectrum that recall compares with."""
    if test.is_exact:
        return FourierSpectrum.from_values(test.values)
    if times is None:
        return None
    # masks of its own: it must not look like those who share ProxySPEX's
    approximator = ProxySPEX(
        game.n_players, max_order=1, index="BV", random_state=seed + _REFERENCE_SEED
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a low faithfulness shows in the table
        approximator.approximate(max(times * budget, approximator.smallest_budget), game)
    return approximator.spectrum


def _costs(found: Run) -> Row:
    """Return what a run took."""
    return {
        "ablations": len(found.asked),
        "seconds": found.seconds,
        "cpu_seconds": found.cpu_seconds,
        "peak_mib": found.peak_mib,
        "cv_r2": found.cv_r2,
        "error": found.error,
    }


def _add_stability(rows: list[Row], predictions: list[NDArray[np.float64] | None]) -> None:
    """Compare the repeats of each method and budget with each other."""
    groups: dict[tuple[str, int], list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault((row["method"], row["budget"]), []).append(place)
    for places in groups.values():
        found = stability([predictions[place] for place in places])
        for place, value in zip(places, found, strict=True):
            rows[place]["stability"] = value


def _add_noise(rows: list[Row], test: Test) -> None:
    """Say which share of the variance is chance, where the game tells."""
    if test.chance is None or is_constant(test.values):
        return
    share = min(1.0, test.chance / float(test.values.var()))
    for row in rows:
        row["noise"] = share
