"""A language model's answer as a game: the players are parts of its prompt."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from shapiq import Game

from shapiq_spex import _names
from shapiq_spex._numbers import check_integer
from shapiq_spex._texts import without_marks
from shapiq_spex.ablations import Versions

from . import _results, intervention
from ._html import render
from ._masking import Mask, MaskedText
from ._segments import check_parts, divide
from ._template import PLACE, Template, show
from .estimate import Estimate
from .models import Classifier, Generator, LanguageModel, Tokenizer, Usage
from .targets import as_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import shapiq
    from numpy.typing import NDArray

    from shapiq_spex.spectrum import FourierSpectrum

    from ._segments import Segmenter, Unit
    from .models import Prompt
    from .targets import Target

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

Model = LanguageModel | Classifier | Generator | Callable[[list[Any]], Any]
"""What can be asked: a language model, a classifier, what writes answers, or a function."""

_BATCH_SIZE = 16
_WORD = 20  # characters, which most words are not longer than
_LINES = ("line", "paragraph")  # units that have the ends of their lines
_HALF = 0.5  # of the parts are present in a uniform mask
_HERE = str(Path(__file__).parent)  # warnings name the first caller from outside of it
_MOST_TOKENS = 1.0  # per character, while none has been counted


class PromptGame(_results.NamedPlayers, Game):
    r"""Which parts of a prompt drive a language model's answer.

    The players are words, sentences or other parts of a text within a prompt; absent ones are
    removed or replaced. What the model says of each masked prompt is turned into a value by a
    target. Put it into a :class:`~shapiq_spex.StoredGame` to pay for each prompt once.

    Attributes:
        segments: The parts, one a player; joined they are the text.
        player_names: The parts without the white space around them, as names for plots; those of
            white space alone as Python writes them, ``'\n'``.
        concurrency: How many batches a store asks for at the same time, as many as the model takes.
        target: What is explained, with the model's own answer in it if that was asked for.

    Examples:
        >>> from shapiq_spex.games import PromptGame
        >>> game = PromptGame(
        ...     "Review: {text}", text="It never fails.", model=lambda texts: [*map(len, texts)]
        ... )
        >>> game.player_names
        ['It', 'never', 'fails.']
        >>> game.prompt([True, False, True])
        'Review: It fails.'
    """

    def __init__(
        self,
        template: Prompt = PLACE,
        *,
        text: str | Sequence[str],
        model: Model,
        target: Target | Callable[..., Any] | None = None,
        segment: Unit | Segmenter = "word",
        mask: Mask = "",
        keep_length: bool = False,
        batch_size: int | None = None,
    ) -> None:
        """Divide the text.

        Args:
            template: The prompt around the text, which stands in it once as ``{text}``. What is
                around it always stays: instructions, examples, a question. For a chat, a list of
                messages, as ``[{"role": "user", "content": "Is this kind? {text}"}]``.
            text: The text whose parts are the players; or the parts themselves, as documents with
                what separates them. The byte order marks that some editors put before a text are
                left out, of the template as well.
            model: A language model, which needs a target; or a function from a list of prompts to
                one number, or one vector, per prompt.
            target: What of the model's answer is explained, as :class:`~shapiq_spex.games.Labels`;
                or a function: for a language model from a list of its answers to values, for a
                model that is a function from what it returned, shape ``(m, d)``, to values, shape
                ``(m,)``.
            segment: What the players are; see :func:`divide`, and ``"token"`` for the model's own.
                Of no matter where parts are given.
            mask: What stands for an absent part: nothing, a text such as ``"[MASK]"``, or what a
                function makes of the part. Lines, paragraphs and documents are removed with the
                ends of their lines; where words or sentences are removed, lines still end.
            keep_length: Whether to repeat the mask to the length of the part, in characters.
            batch_size: How many prompts a store gives to the model at once, by default 16; or one
                for a model that asks several at the same time by itself, as an endpoint, so that
                each answer is kept as soon as it is there.

        Raises:
            ValueError: If the template lacks its place, the text is empty, or its parts do not give
                it back.
            TypeError: If the model is neither a language model nor a function, or the target does
                not go with it.
        """
        if batch_size is not None:
            check_integer("batch_size", batch_size, 1)
        self._template = Template(template)
        self._text = MaskedText(
            _divide(text, segment, model),
            mask,
            keep_length=keep_length,
            whole_lines=not isinstance(text, str) or segment in _LINES,
        )
        whole = self._template.fill("".join(self.segments))
        self.target = as_target(target, model).prepare(model, whole)
        super().__init__(n_players=len(self.segments), normalize=False)
        only = self.segments[0].strip() if self.n_players == 1 else ""
        if len(only) > _WORD or len(only.split()) > 1:
            message = (
                "The text has one part alone, beside which nothing can count: its explanation says "
                "nothing of what is in it. Take smaller parts as `segment`, or your own."
            )
            warnings.warn(message, skip_file_prefixes=(_HERE,))
        self.model = model
        self.concurrency = getattr(model, "concurrency", 1)
        self.batch_size = batch_size or (1 if hasattr(model, "concurrency") else _BATCH_SIZE)
        self.player_names = [_names.show(segment) for segment in self.segments]
        self._asked = Usage()  # prompts, and their characters in the place of tokens
        self._used_before = self._used()

    @property
    def segments(self) -> list[str]:
        """The parts, one a player; joined they are the text."""
        return self._text.segments

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Everything that changes what the model says."""
        prompt = [self._template.fingerprint, self.segments, self._text.replaced]
        asked = [getattr(self.model, "fingerprint", self.model), self.target.fingerprint]
        packages = Versions(getattr(self.model, "packages", ()))
        return {"game": "prompt", "prompt": prompt, "asked": asked, "packages": packages}

    def prompt(self, coalition: Sequence[bool] | BoolArray) -> Prompt:
        """Return the prompt with absent parts masked.

        Args:
            coalition: Which parts are present, shape ``(n,)``.

        Returns:
            The prompt, a text or a chat as the template is.
        """
        return self._template.fill(self._text.join(coalition))

    def outputs(self, coalitions: BoolArray, repeat: int = 0) -> FloatArray:
        """Ask the model: what costs, and what a store keeps.

        Args:
            coalitions: Shape ``(m, n)``.
            repeat: Which of several evaluations this is; see :meth:`Target.ask`.

        Returns:
            What the target asks for, shape ``(m, d)``, as the log-probabilities of labels.
        """
        return self._ask([self.prompt(coalition) for coalition in coalitions], repeat)

    def values(self, outputs: FloatArray) -> FloatArray:
        """Turn what the model said into values.

        Args:
            outputs: Shape ``(m, d)``.

        Returns:
            Array of shape ``(m,)``.

        Raises:
            ValueError: If there is more than one number per prompt and no target.
        """
        return self.target.values(outputs)

    def value_function(self, coalitions: np.ndarray) -> np.ndarray:
        """Return the values of coalitions.

        Args:
            coalitions: Which players are present, shape ``(m, n)``.

        Returns:
            The values, shape ``(m,)``.
        """
        return self.values(self.outputs(coalitions))

    @property
    def prompts_asked(self) -> int:
        """The prompts that the model answered since the game was made."""
        return self._asked.requests

    @property
    def tokens_used(self) -> int:
        """The tokens that the model counted since the game was made; else the characters asked."""
        return self._counted() or self._asked.tokens

    def estimate_tokens(self, coalitions: BoolArray) -> FloatArray:
        """Return how many tokens masked prompts would take, shape ``(m,)``.

        By the tokens a character that the model counted so far; at first one a character, which is
        more than it will be in most languages.

        Args:
            coalitions: Shape ``(m, n)``.

        Returns:
            The estimates, one a mask.
        """
        characters = self._asked.tokens
        rate = self.tokens_used / characters if characters else _MOST_TOKENS
        lengths = [len(show(self.prompt(coalition))) for coalition in coalitions]
        return np.array(lengths, dtype=np.float64) * rate

    def estimate(self, budget: int, probes: int = 5, random_state: int = 0) -> Estimate:
        """Say what an explanation would take, by asking a few masked prompts.

        Args:
            budget: The budget that would be asked for.
            probes: How many prompts to ask now; nothing of them is kept.
            random_state: The seed of their masks.

        Returns:
            The calls, characters, tokens and seconds.

        Raises:
            ValueError: If the budget or the number of probes is below 1.
        """
        for name, number in (("budget", budget), ("probes", probes)):
            check_integer(name, number, 1)
        check_integer("random_state", random_state, 0)
        calls = min(budget, 1 << self.n_players)
        masks = np.random.default_rng(random_state).random((probes, self.n_players)) < _HALF
        self.outputs(masks[:1])  # what is done once
        used, start = self._counted(), time.perf_counter()
        self.outputs(masks)
        seconds, used = time.perf_counter() - start, self._counted() - used
        characters = sum(len(show(self.prompt(mask))) for mask in masks)
        share = calls / probes
        return Estimate(
            calls, round(characters * share), round(used * share) or None, seconds * share
        )

    def intervene(
        self,
        spectrum: FourierSpectrum,
        players: Sequence[int],
        replacements: Mapping[int, str] | None = None,
    ) -> list[intervention.Intervention]:
        """Change the words of an interaction, and see whether the model does what was predicted.

        Beside the interaction stand as many of the words that count most on their own.

        Args:
            spectrum: What an approximator found of this game, its ``spectrum``.
            players: The positions of the interaction's words.
            replacements: What to put in the place of some of them, by position, as synonyms; the
                others are masked.

        Returns:
            The change of the interaction's words, then that of the strongest single ones, where the
            same words are replaced and others masked.

        Raises:
            ValueError: If a position is out of range or comes twice, there is none, or something is
                to replace another word.
        """
        others = replacements or {}
        intervention.check(players, others, self.n_players)
        rows = [tuple(players), intervention.strongest(spectrum, len(players))]
        changes = [{}, *(intervention.choose(row, others) for row in rows)]
        prompts = [self._template.fill(self._text.change(each)) for each in changes]
        values = self.values(self._ask(prompts, 0))
        predicted = intervention.predict(spectrum, rows)
        return [
            intervention.Intervention(
                words=tuple(self.player_names[player] for player in row),
                replacements=tuple(others.get(player) for player in row),
                prompt=prompt,
                change=float(value - values[0]),
                predicted=prediction,
            )
            for row, prompt, value, prediction in zip(
                rows, prompts[1:], values[1:], predicted, strict=True
            )
        ]

    def to_html(
        self,
        explanation: shapiq.InteractionValues,
        *,
        title: str = "What drives the answer",
        note: str = "",
        count: int = 30,
    ) -> str:
        """Return a page that shows the prompt with its words shaded, and the interactions.

        The page stands alone, works without a network, and takes nothing of the prompt for markup.

        Args:
            explanation: What an approximator found of this game.
            title: The title.
            note: A sentence below the title, as on how faithful the explanation is.
            count: How many interactions to list.

        Returns:
            The page.
        """
        before, after = self._template.around()
        return render(
            self.segments,
            _names.distinct(self.player_names),
            _results.rank(explanation),
            index=explanation.index,
            before=before,
            after=after,
            title=title,
            note=note,
            count=count,
        )

    def _ask(self, prompts: list[Prompt], repeat: int) -> FloatArray:
        """Ask the model for what costs."""
        outputs = self.target.ask(self.model, prompts, repeat)
        self._asked.add(len(prompts), sum(len(show(prompt)) for prompt in prompts))
        return outputs

    def _counted(self) -> int:
        """Return the tokens that the model counted since the game was made."""
        return self._used() - self._used_before

    def _used(self) -> int:
        usage = getattr(self.model, "usage", None)
        return check_integer("usage.tokens", usage.tokens, 0) if isinstance(usage, Usage) else 0


def _divide(text: str | Sequence[str], segment: Unit | Segmenter, model: object) -> list[str]:
    """Return the parts of a text."""
    if not isinstance(text, str):
        parts = [without_marks(part) for part in text]
        if not all(part.strip() for part in parts):
            msg = "Each part of the text is a player, and one of them is empty."
            raise ValueError(msg)
        return divide("".join(parts), parts)
    text = without_marks(text)
    if segment != "token":
        return divide(text, segment)
    if not isinstance(model, Tokenizer):
        msg = f"segment='token' needs a model that says its tokens, not {type(model).__name__}."
        raise TypeError(msg)
    return check_parts(text, model.tokens(text))  # those of white space alone, too
