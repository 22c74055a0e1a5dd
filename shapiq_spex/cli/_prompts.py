"""What the commands that ask about a prompt share: the game, its store and limits, its price."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from shapiq_spex._texts import read_text
from shapiq_spex.ablations import StoredGame
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
    from contextlib import ExitStack

    from shapiq_spex.ablations import RunRecord
    from shapiq_spex.ablations._limits import Limits as LimitsLeft
    from shapiq_spex.games import Model, Target


class Limits(TypedDict):
    """The arguments of a stored game that say where to stop."""

    max_calls: int | None
    max_tokens: int | None
    max_seconds: float | None


class OneRun(StoredGame):
    """A stored game whose limits are those of all its calls together."""

    _limits: LimitsLeft | None = None

    def _limit(self) -> LimitsLeft:
        if self._limits is None:
            self._limits = super()._limit()
        return self._limits


def make_game(options: argparse.Namespace, stack: ExitStack) -> PromptGame:
    """Return the game that the options describe."""
    target = _find_target(options)
    return PromptGame(
        options.template.replace("\\n", "\n"),
        text=_find_text(options),
        model=_find_model(options, stack),
        target=target,
        segment=options.segment,
        mask=options.mask,
        keep_length=options.keep_length,
    )


def find_store(options: argparse.Namespace, stack: ExitStack) -> Path:
    """Return the file of the answers; without one given, it goes with the stack."""
    if options.store is not None:
        return Path(options.store)
    return Path(stack.enter_context(tempfile.TemporaryDirectory())) / "ablations.sqlite"


def find_limits(options: argparse.Namespace) -> Limits:
    """Return where to stop."""
    return Limits(
        max_calls=options.max_calls,
        max_tokens=options.max_tokens,
        max_seconds=options.max_seconds,
    )


def say_price(game: PromptGame, n_masks: int, options: argparse.Namespace, most: str = "") -> str:
    """Say what so many masks would take, at most where a store or a limit may lower that."""
    lower = (options.store, options.max_tokens, options.max_seconds)
    if any(each is not None for each in lower):
        most = "at most "
    return f"{most}{estimate(game, n_masks, options)}\n"


def estimate(game: PromptGame, n_masks: int, options: argparse.Namespace) -> Estimate:
    """Return what so many masks would take with these options if the store had none of them."""
    once = game.estimate(n_masks)
    calls = once.calls * options.asks
    share = min(calls, options.max_calls or calls) / once.calls
    tokens = None if once.tokens is None else round(once.tokens * share)
    return Estimate(
        round(once.calls * share), round(once.characters * share), tokens, once.seconds * share
    )


def describe(target: Target) -> str:
    """Say what the values are."""
    if isinstance(target, Labels):
        return f"log-odds of {target.positive.strip()!r}"
    if isinstance(target, Similarity):
        return f"similarity to the answer {target.reference!r}"
    if isinstance(target, Continuation):
        return f"log-probability of {target.text!r}"
    return "score of the class"


def count_prompts(game: PromptGame, record: RunRecord, options: argparse.Namespace) -> str:
    """Say how many prompts a run took."""
    if options.asks == 1:
        said = f"prompts: {record.evaluated} asked, {record.from_store} from the store"
    else:
        said = (
            f"prompts: {game.prompts_asked} asked, with {record.evaluated} masks up to "
            f"{options.asks} times each; {record.from_store} masks from the store"
        )
    return said + count_missing(record, options)


def count_missing(record: RunRecord, options: argparse.Namespace) -> str:
    """Say how many masks have no answer, and why, if there are any."""
    if not record.failed:
        return ""
    given = [name for name, limit in find_limits(options).items() if limit is not None]
    reasons = [f"--{name.replace('_', '-')} was reached" for name in given]
    reasons += ["some failed"] if getattr(options, "skip_failures", False) else []
    return f"; {record.failed} of {record.asked} have no answer, as {' or '.join(reasons)}"


def _find_text(options: argparse.Namespace) -> str:
    """Return the text to explain.

    Raises:
        OSError: If its file cannot be read.
        ValueError: If there is nothing in it, or something else than text.
    """
    for name in ("prompt", "template", "mask", "labels", "answer"):
        # what Python makes of bytes that it cannot read
        if any("\ud800" <= each <= "\udfff" for each in getattr(options, name) or ""):
            msg = f"--{name} has bytes that are no text in the encoding of this terminal."
            raise ValueError(msg)
    if options.prompt_file is None:
        return str(options.prompt)
    # as files of texts are read: whatever ends a line there ends it here
    text = io.StringIO(read_text(options.prompt_file), newline=None).read().strip()
    if not text:
        msg = f"'{options.prompt_file}' is empty: there is no text to explain in it."
        raise ValueError(msg)
    return text


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
