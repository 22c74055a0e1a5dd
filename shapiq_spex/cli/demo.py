"""What the command ``shapiq-spex demo`` does: a real language model's reading of a review."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.ablations import StoredGame
from shapiq_spex.approximators import ProxySPEX
from shapiq_spex.games import Labels, LlamaCpp, PromptGame, small_model

if TYPE_CHECKING:
    import argparse

    import shapiq

_REVIEW = "This film never fails to impress, and there is hardly a dull moment in it."
_TEMPLATE = """Review: a dull and lifeless film that goes nowhere
Sentiment: negative

Review: a joy to watch from start to finish
Sentiment: positive

Review: clumsy jokes and a plot full of holes
Sentiment: negative

Review: moving, clever and beautifully acted
Sentiment: positive

Review: {text}
Sentiment:"""
_FRESH_MASKS = 200
_HALF = 0.5  # of the words are present in a fresh mask
_LISTED = 6


def run(options: argparse.Namespace) -> str:
    """Explain a review, check the explanation on fresh masks, and write a page.

    Args:
        options: Those of the command.

    Returns:
        The report.

    Raises:
        ValueError: If the budget is too small, or leaves nothing to test on.
        ImportError: If the extra ``demo`` is missing.
        OSError: If the page cannot be written.
    """
    start = time.perf_counter()
    game = PromptGame(
        _TEMPLATE,
        text=_REVIEW,
        model=LlamaCpp(small_model(), n_threads=1),  # threads wait for each other where others work
        target=Labels("positive", "negative"),
    )
    most = (1 << game.n_players) - _FRESH_MASKS
    if options.budget > most:
        msg = (
            f"The budget must be at most {most:,}, which leaves {_FRESH_MASKS} prompts to test on."
        )
        raise ValueError(msg)
    approximator = ProxySPEX(
        game.n_players, options.max_order, options.index, random_state=options.seed
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        StoredGame(game, Path(folder) / "ablations.sqlite", progress=True) as stored,
    ):
        explanation = approximator.approximate(options.budget, stored)
        faithfulness = _check(stored, approximator, options.seed)
        stored.progress = False
        (whole,) = stored(np.ones((1, game.n_players), dtype=np.bool_))
    note = (
        f"Log-odds of “positive” for the whole review: {whole:+.2f}. {options.budget:,} masked "
        f"prompts; R² = {faithfulness:.2f} on {_FRESH_MASKS} fresh ones."
    )
    title = "What makes a language model read this review as positive"
    page = game.to_html(explanation, title=title, note=note)
    options.output.write_text(page, encoding="utf-8")
    lines = [
        "Model         SmolLM2-135M-Instruct, on this machine",
        f"Review        {_REVIEW}",
        f"Explained     the log-odds of 'positive' against 'negative': {whole:+.2f}",
        f"Prompts       {options.budget:,} of {1 << game.n_players:,} ways to leave words out",
        (
            f"Faithfulness  R2 = {faithfulness:.3f} on {_FRESH_MASKS} prompts it has not seen "
            f"({approximator.cv_faithfulness:.3f} by cross-validation, at no extra prompt)"
        ),
        f"Seconds       {time.perf_counter() - start:.1f}",
        *_list(game, explanation),
        "",
        "+ speaks for positive, - against it; groups: beyond what their members do",
        "",
        f"Page: {options.output}",
    ]
    return "\n".join(lines) + "\n"


def _check(game: StoredGame, approximator: ProxySPEX, seed: int) -> float:
    """Return the R2 of the predictions on masks that nothing was fitted to."""
    n = game.n_players
    # another stream than the approximator's, whose seeds begin with numbers of its own
    codes = np.random.default_rng([seed, 1]).permutation(1 << n)
    asked = game.ablations()[0] @ (1 << np.arange(n))
    fresh = codes[~np.isin(codes, asked)][:_FRESH_MASKS]
    masks = (fresh[:, None] >> np.arange(n) & 1).astype(np.bool_)
    values = game(masks)
    residuals = values - approximator.spectrum.evaluate(masks)
    return 1.0 - float(np.mean(residuals**2) / np.var(values))


def _list(game: PromptGame, explanation: shapiq.InteractionValues) -> list[str]:
    """List the strongest interactions of each size."""
    lines = []
    table = game.to_dataframe(explanation)
    for order, rows in table.groupby("order"):
        kind = "Words alone" if order == 1 else f"Groups of {order} words"
        lines += ["", f"{kind} ({explanation.index})"]
        for parts, value in zip(rows["parts"][:_LISTED], rows["value"], strict=False):
            lines.append(f"  {value:+6.2f}  {' + '.join(parts)}")
    return lines
