"""What the command ``shapiq-spex explain`` does, from its options to its report."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shapiq_spex.ablations import StoredGame
from shapiq_spex.approximators import SPEX, ProxySPEX
from shapiq_spex.games import (
    ClassLogit,
    Continuation,
    Estimate,
    HuggingFace,
    Labels,
    LlamaCpp,
    OpenAICompatible,
    PromptGame,
    Similarity,
    small_model,
)

if TYPE_CHECKING:
    import argparse

    import shapiq

    from shapiq_spex.games import Model, Target

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
        store = options.store
        if store is None:
            store = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "ablations.sqlite"
        game = _make_game(options, stack)
        if options.dry_run:
            return f"{_estimate(game, options)}\n"
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
    headline = f"{_describe(game.target)}: {whole:+.2f} for the whole text"
    report = _report(game, explanation, approximator, options.top, headline)
    try:
        _write(game, explanation, approximator, options, headline)
    except OSError as error:  # what was paid for should not be lost with it
        msg = f"{report}\nNot everything could be written: {error}"
        raise OSError(msg) from error
    return report


def _estimate(game: PromptGame, options: argparse.Namespace) -> Estimate:
    """Return what a run with these options would take if the store had nothing of it."""
    once = game.estimate(options.budget)
    calls = once.calls * options.repeats
    share = min(calls, options.max_calls or calls) / once.calls
    tokens = None if once.tokens is None else round(once.tokens * share)
    return Estimate(
        round(once.calls * share), round(once.characters * share), tokens, once.seconds * share
    )


def _check_limits(options: argparse.Namespace, smallest: int) -> None:
    """Refuse a limit that leaves too few prompts, before they are paid for."""
    if options.max_calls is not None and options.max_calls < min(smallest, options.budget):
        msg = f"--max-calls must be at least {smallest}, the fewest that can be explained."
        raise ValueError(msg)


def _make_game(options: argparse.Namespace, stack: ExitStack) -> PromptGame:
    """Return the game that the options describe."""
    target = _find_target(options)
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
        keep_length=options.keep_length,
    )


def _find_target(options: argparse.Namespace) -> Target:
    """Return what of the answer is to be explained."""
    if options.labels is not None:
        return Labels(*(label.strip() for label in options.labels.split(",")))
    if options.class_logit is not None:
        return ClassLogit(options.class_logit)
    if options.similarity:
        return Similarity(max_tokens=options.answer_tokens)
    return Continuation(options.answer, max_tokens=options.answer_tokens)


def _find_model(options: argparse.Namespace, stack: ExitStack) -> Model:
    """Return the model that the options name; its connections are closed with the stack."""
    name = options.model
    chosen = {"chat": options.chat, "temperature": options.temperature}
    if options.url:
        if name is None:
            msg = "An endpoint needs the name of its --model."
            raise ValueError(msg)
        return stack.enter_context(OpenAICompatible(options.url, model=name, **chosen))
    if name is None or Path(name).is_file() or Path(name).suffix == ".gguf":
        return LlamaCpp(name or small_model(), n_threads=options.threads, **chosen)
    return HuggingFace(name, **chosen)


def _keep(game: PromptGame, store: Path, options: argparse.Namespace) -> StoredGame:
    """Return the game with its store and its limits."""
    return StoredGame(
        game,
        store,
        progress=True,
        repeats=options.repeats,
        on_failure="skip" if options.skip_failures else "raise",
        max_calls=options.max_calls,
        max_tokens=options.max_tokens,
        max_seconds=options.max_seconds,
    )


def _describe(target: Target) -> str:
    """Say what the values are."""
    if isinstance(target, Labels):
        return f"log-odds of {target.positive.strip()!r}"
    if isinstance(target, Similarity):
        return f"similarity to the answer {target.reference!r}"
    if isinstance(target, Continuation):
        return f"log-probability of {target.text!r}"
    return "score of the class"


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
        title = f"What drives the {_describe(game.target)}"
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
        f"prompts: {record.evaluated} asked, {record.from_store} from the store",
    ]
    return "\n".join(lines) + "\n"
