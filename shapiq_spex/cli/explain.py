"""What the command ``shapiq-spex explain`` does, from its options to its report."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.approximators import SPEX, ProxySPEX

from ._prompts import (
    OneRun,
    count_missing,
    count_prompts,
    describe,
    find_limits,
    find_store,
    make_game,
    say_price,
)

if TYPE_CHECKING:
    import argparse

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
            return say_price(game, options.budget, options)
        stored = stack.enter_context(_keep(game, store, options))
        approximator = {"proxyspex": ProxySPEX, "spex": SPEX}[options.approximator](
            game.n_players,
            min(options.max_order, game.n_players),
            options.index,
            random_state=options.seed,
        )
        _check_limits(options, stored, approximator.smallest_budget)
        explanation = approximator.approximate(options.budget, stored)
        stored.progress = False
        headline = _measure_whole(game, stored)
    report = _report(game, explanation, approximator, options, headline)
    try:
        _write(game, explanation, approximator, options, headline)
    except (OSError, ValueError) as error:  # what was paid for should not be lost with it
        msg = f"{report}\nNot everything could be written: {error}"
        raise OSError(msg) from error
    return report


def _measure_whole(game: PromptGame, stored: OneRun) -> str:
    """Say what the value of the whole text is; all designs have it, but it may have failed."""
    (value,) = stored(np.ones((1, game.n_players), dtype=np.bool_))
    found = "no answer" if np.isnan(value) else f"{value:+.2f}"
    return f"{describe(game.target)}: {found} for the whole text"


def _check_limits(options: argparse.Namespace, stored: OneRun, smallest: int) -> None:
    """Refuse a limit that leaves too few prompts, before they are paid for."""
    least = min(smallest, options.budget)
    if options.max_calls is None or options.max_calls >= least:
        return
    if options.max_calls + len(stored.ablations()[0]) < least:
        msg = f"--max-calls must be at least {smallest}, the fewest that can be explained."
        raise ValueError(msg)


def _keep(game: PromptGame, store: Path, options: argparse.Namespace) -> OneRun:
    """Return the game with its store and its limits."""
    return OneRun(
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
        times = f", up to {options.asks} times each" if options.asks > 1 else ""
        note = (
            f"{headline[:1].upper()}{headline[1:]}; {explanation.estimation_budget} masked prompts"
            f"{times}{count_missing(approximator.record, options)}; faithfulness out of fold "
            f"{approximator.cv_faithfulness:.2f}."
        )
        title = f"What drives the {describe(game.target)}"
        page = game.to_html(explanation, title=title, note=note)
        options.html.write_text(page, encoding="utf-8")
    if options.json:
        with tempfile.TemporaryDirectory() as folder:  # shapiq would choose the ending
            file = Path(folder) / "values.json"
            explanation.to_json_file(file)
            options.json.write_bytes(file.read_bytes())
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
    options: argparse.Namespace,
    headline: str,
) -> str:
    """Say in words what was found."""
    noise = approximator.noise_level
    lines = [
        headline,
        *(f"  {line}" for line in game.top(explanation, options.top)),
        f"faithfulness out of fold: {approximator.cv_faithfulness:.2f}",
        *([] if noise is None else [f"noise: {noise:.0%} of the variance is chance"]),
        count_prompts(game, approximator.record, options),
    ]
    return "\n".join(lines) + "\n"
