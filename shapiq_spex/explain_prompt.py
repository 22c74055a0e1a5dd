"""What the command ``shapiq-spex explain`` does, from its options to its report."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.ablations import StoredGame
from shapiq_spex.approximators import SPEX, ProxySPEX
from shapiq_spex.games import Labels, LlamaCpp, OpenAICompatible, PromptGame, small_model

if TYPE_CHECKING:
    import argparse


def run(options: argparse.Namespace) -> str:
    """Explain a prompt.

    Args:
        options: Those of the command.

    Returns:
        The report.

    Raises:
        ValueError: If an option is wrong.
        OSError: If a file cannot be read.
        ImportError: If llama.cpp is missing.
        RuntimeError: If the model refuses a prompt or the store cannot be used.
    """
    target = Labels(*(label.strip() for label in options.labels.split(",")))
    with ExitStack() as stack:
        store = options.store
        if store is None:
            store = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "ablations.sqlite"
        game = _make_game(options, target, stack)
        if options.dry_run:
            return f"{game.estimate(options.budget)}\n"
        stored = stack.enter_context(
            StoredGame(game, store, progress=True, max_seconds=options.max_seconds)
        )
        approximator = {"proxyspex": ProxySPEX, "spex": SPEX}[options.approximator](
            game.n_players,
            min(options.max_order, game.n_players),
            options.index,
            random_state=options.seed,
        )
        explanation = approximator.approximate(options.budget, stored)
        stored.progress = False
        (whole,) = stored(np.ones((1, game.n_players), dtype=np.bool_))
    name, record = target.positive.strip(), approximator.record
    faithful = f"faithfulness out of fold: {approximator.cv_faithfulness:.2f}"
    if options.html:
        note = f"Log-odds {whole:+.2f}; {record.asked} masked prompts; {faithful}."
        page = game.to_html(explanation, title=f"What speaks for {name!r}", note=note)
        options.html.write_text(page, encoding="utf-8")
    if options.json:
        explanation.to_json_file(options.json)
    lines = [
        f"log-odds of {name!r} for the whole text: {whole:+.2f}",
        *(f"  {line}" for line in game.top(explanation, options.top)),
        faithful,
        f"prompts: {record.evaluated} asked, {record.from_store} from the store",
    ]
    return "\n".join(lines) + "\n"


def _make_game(options: argparse.Namespace, target: Labels, stack: ExitStack) -> PromptGame:
    """Return the game that the options describe."""
    text = options.prompt
    if text is None:
        text = options.prompt_file.read_text(encoding="utf-8").strip()
    return PromptGame(
        options.template.replace("\\n", "\n"),
        text=text,
        model=_find_model(options, stack),
        target=target,
        segment=options.segment,
        mask=options.mask,
    )


def _find_model(options: argparse.Namespace, stack: ExitStack) -> LlamaCpp | OpenAICompatible:
    """Return the model that the options name; its connections are closed with the stack."""
    if options.url:
        if options.model is None:
            msg = "An endpoint needs the name of its --model."
            raise ValueError(msg)
        model = OpenAICompatible(options.url, model=options.model, chat=options.chat)
        return stack.enter_context(model)
    if options.chat:
        msg = "--chat needs an endpoint: give its --url."
        raise ValueError(msg)
    return LlamaCpp(options.model or small_model())
