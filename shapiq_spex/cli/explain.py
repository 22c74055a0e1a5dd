"""What the command ``shapiq-spex explain`` does, from its options to its report."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.ablations import StoredGame
from shapiq_spex.approximators import SPEX, ProxySPEX

from ._prompts import count_prompts, describe, estimate, find_limits, find_store, make_game

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    import shapiq

    from shapiq_spex.games import PromptGame

    Approximator = SPEX | ProxySPEX


def run(options: argparse.Namespace) -> str:
    """Explain a prompt.

    Args:
        options: Those of the command.

    Returns:
        The report.

    Raises:
        ValueError: If an option is wrong.
        TypeError: If the model cannot do what is asked.
        OSError: If a file cannot be read.
        ImportError: If an extra is missing.
        RuntimeError: If the model refuses a prompt or the store cannot be used.
    """
    with ExitStack() as stack:
        store = find_store(options, stack)
        game = make_game(options, stack)
        if options.dry_run:
            return f"{estimate(game, options.budget, options)}\n"
        stored = stack.enter_context(_keep(game, store, options))
        approximator = {"proxyspex": ProxySPEX, "spex": SPEX}[options.approximator](
            game.n_players,
            min(options.max_order, game.n_players),
            options.index,
            random_state=options.seed,
        )
        _check_limits(options, approximator.smallest_budget)
        explanation = approximator.approximate(options.budget, stored)
        stored.progress = False
        (whole,) = stored(np.ones((1, game.n_players), dtype=np.bool_))
    headline = f"{describe(game.target)}: {whole:+.2f} for the whole text"
    report = _report(game, explanation, approximator, options.top, headline)
    try:
        _write(game, explanation, approximator, options, headline)
    except OSError as error:  # what was paid for should not be lost with it
        msg = f"{report}\nNot everything could be written: {error}"
        raise OSError(msg) from error
    return report


def _check_limits(options: argparse.Namespace, smallest: int) -> None:
    """Refuse a limit that leaves too few prompts, before they are paid for."""
    if options.max_calls is not None and options.max_calls < min(smallest, options.budget):
        msg = f"--max-calls must be at least {smallest}, the fewest that can be explained."
        raise ValueError(msg)


def _keep(game: PromptGame, store: Path, options: argparse.Namespace) -> StoredGame:
    """Return the game with its store and its limits."""
    return StoredGame(
        game,
        store,
        progress=True,
        repeats=options.asks,
        on_failure="skip" if options.skip_failures else "raise",
        **find_limits(options),
    )


def _write(
    game: PromptGame,
    explanation: shapiq.InteractionValues,
    approximator: Approximator,
    options: argparse.Namespace,
    headline: str,
) -> None:
    """Write the files that were asked for."""
    if options.html:
        note = (
            f"{headline[:1].upper()}{headline[1:]}; {approximator.record.asked} masked prompts; "
            f"faithfulness out of fold {approximator.cv_faithfulness:.2f}."
        )
        title = f"What drives the {describe(game.target)}"
        page = game.to_html(explanation, title=title, note=note)
        options.html.write_text(page, encoding="utf-8")
    if options.json:
        explanation.to_json_file(options.json)
    if options.csv:
        table = game.to_dataframe(explanation)
        # as a spreadsheet shows them, and positions counted from 0
        table["parts"] = [" + ".join(parts) for parts in table["parts"]]
        table["players"] = [" ".join(map(str, players)) for players in table["players"]]
        table.to_csv(options.csv, index=False)


def _report(
    game: PromptGame,
    explanation: shapiq.InteractionValues,
    approximator: Approximator,
    count: int,
    headline: str,
) -> str:
    """Say in words what was found."""
    record = approximator.record
    noise = approximator.noise_level
    lines = [
        headline,
        *(f"  {line}" for line in game.top(explanation, count)),
        f"faithfulness out of fold: {approximator.cv_faithfulness:.2f}",
        *([] if noise is None else [f"noise: {noise:.0%} of the variance is chance"]),
        count_prompts(record),
    ]
    return "\n".join(lines) + "\n"
