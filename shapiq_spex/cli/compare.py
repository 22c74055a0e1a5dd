"""What the command ``shapiq-spex compare`` does, from its options to its report."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm.auto import tqdm

from shapiq_spex.approximators import ProxySPEX
from shapiq_spex.comparison import compare

from ._prompts import (
    OneRun,
    count_prompts,
    describe,
    find_limits,
    find_store,
    make_game,
    say_price,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from shapiq_spex.ablations import StoredGame
    from shapiq_spex.ablations.stored_game import Answer
    from shapiq_spex.comparison import Comparison
    from shapiq_spex.games import PromptGame

_NEARLY_ALL = 0.9
_REMOVALS = (0.1, 0.3)  # shares of the text's parts, as in compare
# Their masks are the same in each repeat but for two, and those of a budget begin those of a larger
# one. A method that is missing here only makes the bound of --dry-run looser.
_UNIFORM = frozenset(
    {"proxyspex", "lime", "lasso", "lasso-cv", "ridge", "banzhaf", "banzhaf-msr"},
)


def run(options: argparse.Namespace) -> str:
    """Compare methods on a prompt.

    Args:
        options: Those of the command.

    Returns:
        The report.

    Raises:
        ValueError: If an option is wrong.
        TypeError: If the model cannot do what is asked.
        OSError: If a file cannot be read or written.
        ImportError: If an extra is missing.
        RuntimeError: If the model refuses a prompt, a limit is reached, or the store cannot be
            used.
    """
    limits = find_limits(options)
    if options.store is None and any(limit is not None for limit in limits.values()):
        msg = (
            "--max-calls, --max-tokens and --max-seconds need a --store: a comparison that they "
            "stop has no table yet, and goes on from there."
        )
        raise ValueError(msg)
    with ExitStack() as stack:
        store = find_store(options, stack)
        game = make_game(options, stack)
        most = count_most(game.n_players, options)
        if options.dry_run:
            return say_price(game, most, options, "at most ")
        stored = stack.enter_context(
            WholeRun(game, store, progress=True, repeats=options.asks, **limits)
        )
        stored.most = most * options.asks
        table = compare(
            stored,
            options.methods,
            options.budgets,
            options.repeats,
            n_masks=options.test_masks,
            random_state=options.seed,
            removals=_REMOVALS,
            reference=options.reference,
            name="prompt" if options.prompt_file is None else options.prompt_file.stem,
            progress=False,
        )
        stored.finish()
    report = _report(table, game, stored, options)
    try:
        _write(table, options)
    except (OSError, ValueError) as error:  # what was paid for should not be lost with it
        msg = f"{report}\nNot everything could be written: {error}"
        raise OSError(msg) from error
    return report


class WholeRun(OneRun):
    """A stored game whose limits, and whose progress, are those of all its calls together.

    A comparison calls it many times, for the test and for each method.

    Attributes:
        most: How many ablations there may be, for the progress.
    """

    most = 0
    _bar: tqdm[Any] | None = None
    _from_store = 0

    def evaluate(self, coalitions: NDArray[np.bool_]) -> Answer:
        """Return values, all of them.

        Raises:
            RuntimeError: If a limit does not allow that.
        """
        answer = super().evaluate(coalitions)
        if np.isnan(answer.values).any():
            msg = (
                f"The limit is reached, with {getattr(self.game, 'prompts_asked', 0)} prompts "
                "asked. Their answers are in the store, and the same command goes on from there."
            )
            raise RuntimeError(msg)
        return answer

    def finish(self) -> None:
        """Show that all is done, though there might have been more."""
        if self._bar is not None:
            self._bar.total = self._bar.n
            self._bar.refresh()

    def close(self) -> None:
        """Let go of the file, and leave the progress as it is."""
        if self._bar is not None:
            self._bar.close()
        super().close()

    @contextmanager
    def _show(self, n_asked: int, n_stored: int) -> Iterator[tqdm[Any]]:
        if self._bar is None:
            total = max(self.most, n_asked)
            self._bar = tqdm(total=total, desc="Ablations", disable=not self.progress)
        self._from_store += n_stored
        self._bar.set_postfix({"from store": self._from_store}, refresh=False)
        self._bar.update(n_stored)
        yield self._bar


def count_most(n_players: int, options: argparse.Namespace) -> int:
    """Return how many prompts a comparison can take, if the store has none of them."""
    largest, runs = max(options.budgets), len(options.budgets) * options.repeats
    uniform = [name for name in options.methods if name in _UNIFORM]
    others = len(options.methods) - len(uniform)
    found = options.test_masks
    found += options.repeats * (bool(uniform) * (largest + 2) + others * sum(options.budgets))
    found += 1 + len(options.methods) * runs * len(_REMOVALS)  # 1 for the whole text
    if options.reference:
        smallest = ProxySPEX(n_players, max_order=1, index="BV").smallest_budget
        found += max(options.reference * largest, smallest)
    return int(min(found, 1 << n_players))


def _report(
    table: Comparison, game: PromptGame, stored: StoredGame, options: argparse.Namespace
) -> str:
    """Say in words what was found."""
    # where a method asked for so many, the comparison judges it by all of the test
    nearly_all = max(options.budgets) > _NEARLY_ALL * (1 << game.n_players)
    but = ", or on all where a method asked for nearly all" if nearly_all else ""
    lines = [
        f"R² by budget, of the {describe(game.target)} on prompts not asked for{but}:",
        "",
        table.summary(),
        "",
        count_prompts(game, stored.record, options),
    ]
    return "\n".join(lines) + "\n"


def _write(table: Comparison, options: argparse.Namespace) -> None:
    """Write the files that were asked for."""
    files: list[Path | None] = [options.json, options.csv]
    for file in files:
        if file is not None:
            table.save(file)
    if options.plot is not None:  # last: there may be nothing to draw
        table.plot().savefig(options.plot)
