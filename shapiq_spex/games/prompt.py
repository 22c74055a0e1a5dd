"""A language model's answer as a game: the players are parts of its prompt."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from shapiq import Game

from ._html import render
from ._segments import divide
from .models import LanguageModel
from .targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import shapiq
    from numpy.typing import NDArray

    from shapiq_spex.spectrum import FourierSpectrum

    from ._segments import Segmenter, Unit

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

_PLACE = "{text}"
_HALF = 0.5  # of the parts are present in a uniform mask
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Estimate:
    """What an explanation would take.

    Attributes:
        calls: How many masked prompts the model would be asked.
        characters: How long they would be together; a token has some four in English.
        seconds: How long that would take, one batch after the other.
    """

    calls: int
    characters: int
    seconds: float

    def __str__(self) -> str:
        """Say it in a sentence."""
        tokens = self.characters / _CHARACTERS_PER_TOKEN
        return (
            f"{self.calls:,} prompts of together {self.characters:,} characters (some "
            f"{tokens:,.0f} tokens in English), about {self.seconds / 60:.1f} minutes"
        )


@dataclass(frozen=True)
class Intervention:
    """What became of a value when words were changed.

    Attributes:
        words: The words that were masked or replaced.
        prompt: The prompt without them.
        change: The change of the value that the model showed.
        predicted: The change that the explanation predicts of their absence.
    """

    words: tuple[str, ...]
    prompt: str
    change: float
    predicted: float

    def __str__(self) -> str:
        """Say it in a line."""
        return f"({', '.join(self.words)}): {self.change:+.2f}, predicted {self.predicted:+.2f}"


class PromptGame(Game):
    """Which parts of a prompt drive a language model's answer.

    The players are words, sentences or other parts of a text within a prompt; absent ones are
    removed or replaced. What the model says of each masked prompt is turned into a value by a
    target. Put it into a :class:`~shapiq_spex.StoredGame` to pay for each prompt once.

    Attributes:
        segments: The parts, one a player; joined they are the text.
        player_names: The parts without the white space around them.

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
        template: str = _PLACE,
        *,
        text: str | Sequence[str],
        model: LanguageModel | Callable[[list[str]], Any],
        target: Target | Callable[[FloatArray], FloatArray] | None = None,
        segment: Unit | Segmenter = "word",
        mask: str | Callable[[str], str] = "",
        batch_size: int = 16,
    ) -> None:
        """Divide the text.

        Args:
            template: The prompt around the text, which stands in it once as ``{text}``. What is
                around it always stays: instructions, examples, a question.
            text: The text whose parts are the players; or the parts themselves, as documents with
                what separates them.
            model: A language model, which needs a target; or a function from a list of prompts to
                one number, or one vector, per prompt.
            target: What of the model's answer is explained, as :class:`~shapiq_spex.games.Labels`;
                or, for a model that is a function, a function from what it returned, shape
                ``(m, d)``, to values, shape ``(m,)``.
            segment: What the players are; see :func:`divide`. Of no matter where parts are given.
            mask: What stands for an absent part: nothing, a text such as ``"[MASK]"``, or what a
                function makes of the part (``lambda part: "_" * len(part)`` keeps its length).
            batch_size: How many prompts a store gives to the model at once.

        Raises:
            ValueError: If the template lacks its place, the text is empty, or its parts do not give
                it back.
            TypeError: If the model is neither a language model nor a function, or the target does
                not go with it.
        """
        if template.count(_PLACE) != 1:
            msg = f"The template must contain {_PLACE} once, got {template.count(_PLACE)} times."
            raise ValueError(msg)
        if isinstance(text, str):
            self.segments = divide(text, segment)
        else:
            self.segments = divide("".join(text), list(text))
        _check(model, target)
        super().__init__(n_players=len(self.segments), normalize=False)
        self.template, self.model, self.target, self.mask = template, model, target, mask
        self.batch_size = batch_size
        self.player_names = [segment.strip() for segment in self.segments]
        self._before, self._after = template.split(_PLACE)
        self._replaced = [_replace(part, mask) for part in self.segments]

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Everything that changes what the model says."""
        asked: object = getattr(self.model, "fingerprint", self.model)
        if isinstance(self.target, Target):
            asked = [asked, list(self.target.continuations)]
        prompt = [self._before, self._after, self.segments, self._replaced]
        return {"game": "prompt", "prompt": prompt, "asked": asked}

    def prompt(self, coalition: Sequence[bool] | BoolArray) -> str:
        """Return the prompt with absent parts masked.

        Args:
            coalition: Which parts are present, shape ``(n,)``.
        """
        return self._join(coalition, self.segments)

    def _join(self, coalition: Sequence[bool] | BoolArray, segments: list[str]) -> str:
        """Put a prompt together."""
        chosen = zip(coalition, segments, self._replaced, strict=True)
        text = "".join(part if present else other for present, part, other in chosen)
        if self.mask == "":
            # no spaces where the first or the last words went
            whole = "".join(self.segments)
            text = text if whole[:1].isspace() else text.lstrip()
            text = text if whole[-1:].isspace() else text.rstrip()
        return f"{self._before}{text}{self._after}"

    def outputs(self, coalitions: BoolArray) -> FloatArray:
        """Ask the model: what costs, and what a store keeps.

        Args:
            coalitions: Shape ``(m, n)``.

        Returns:
            Log-probabilities of the target's continuations, or what the function returned.
        """
        return self._ask([self.prompt(coalition) for coalition in coalitions])

    def intervene(
        self,
        spectrum: FourierSpectrum,
        players: Sequence[int],
        replacements: Mapping[int, str] | None = None,
    ) -> list[Intervention]:
        """Change the words of an interaction, and see whether the model does what was predicted.

        Beside the interaction stand as many of the words that count most on their own.

        Args:
            spectrum: What an approximator found of this game, its ``spectrum``.
            players: The positions of the interaction's words.
            replacements: What to put in the place of words, by position, as synonyms; others are
                masked.

        Returns:
            The change of the interaction's words, then that of the strongest single ones.

        Raises:
            ValueError: If a position is out of range or comes twice, or there is none.
        """
        chosen = tuple(players)
        if not chosen or len(set(chosen)) < len(chosen) or not _in_range(chosen, self.n_players):
            msg = f"players must be different positions below {self.n_players}, got {players}."
            raise ValueError(msg)
        others = replacements or {}
        if not _in_range(others, self.n_players):
            msg = f"replacements must be for positions below {self.n_players}, got {list(others)}."
            raise ValueError(msg)
        rows = [chosen, self._strongest(spectrum, len(chosen))]
        masks = np.ones((1 + len(rows), self.n_players), dtype=np.bool_)
        for mask, row in zip(masks[1:], rows, strict=True):
            mask[list(row)] = False
        predicted = spectrum.evaluate(masks)
        prompts = [self._change({}), *(self._change(self._choose(row, others)) for row in rows)]
        values = self.values(self._ask(prompts))
        return [
            Intervention(
                words=tuple(self.player_names[player] for player in row),
                prompt=prompt,
                change=float(value - values[0]),
                predicted=float(prediction - predicted[0]),
            )
            for row, prompt, value, prediction in zip(
                rows, prompts[1:], values[1:], predicted[1:], strict=True
            )
        ]

    def _strongest(self, spectrum: FourierSpectrum, count: int) -> tuple[int, ...]:
        """Return the players that count most on their own, in their order."""
        alone = [abs(spectrum[(player,)]) for player in range(self.n_players)]
        return tuple(sorted(np.argsort(alone)[::-1][:count].tolist()))

    def _choose(self, players: Sequence[int], others: Mapping[int, str]) -> dict[int, str | None]:
        """Return what to put in the place of players, None to mask them."""
        return {player: others.get(player) for player in players}

    def _change(self, changes: Mapping[int, str | None]) -> str:
        """Return the prompt with some parts replaced, and those without a replacement masked."""
        present = np.ones(self.n_players, dtype=np.bool_)
        segments = list(self.segments)
        for player, text in changes.items():
            present[player] = text is not None
            segments[player] = _put(segments[player], text or "")
        return self._join(present, segments)

    def _ask(self, prompts: list[str]) -> FloatArray:
        """Ask the model for what costs."""
        if isinstance(self.model, LanguageModel) and isinstance(self.target, Target):
            return self.model.log_probabilities(prompts, self.target.continuations)
        return np.asarray(self.model(prompts), dtype=np.float64)  # type: ignore[operator]

    def values(self, outputs: FloatArray) -> FloatArray:
        """Turn what the model said into values.

        Args:
            outputs: Shape ``(m, d)``.

        Returns:
            Array of shape ``(m,)``.

        Raises:
            ValueError: If there is more than one number per prompt and no target.
        """
        if isinstance(self.target, Target):
            return self.target.values(outputs)
        if self.target is not None:
            return self.target(outputs)
        if outputs.ndim > 1 and outputs.shape[1] != 1:
            msg = (
                f"The model returned {outputs.shape[1]} numbers per prompt: pass a target, a "
                "function that makes one of them."
            )
            raise ValueError(msg)
        return outputs.reshape(len(outputs))

    def value_function(self, coalitions: np.ndarray) -> np.ndarray:
        """Return the values of coalitions, boolean of shape ``(m, n)``."""
        return self.values(self.outputs(coalitions))

    def estimate(self, budget: int, probes: int = 5, random_state: int = 0) -> Estimate:
        """Say what an explanation would take, by asking a few masked prompts.

        Args:
            budget: The budget that would be asked for.
            probes: How many prompts to ask now; nothing of them is kept.
            random_state: The seed of their masks.

        Returns:
            The calls, characters and seconds.
        """
        masks = np.random.default_rng(random_state).random((probes, self.n_players)) < _HALF
        calls = min(budget, 1 << self.n_players)
        self.outputs(masks[:1])  # what is done once
        start = time.perf_counter()
        self.outputs(masks)
        seconds = (time.perf_counter() - start) / probes
        characters = float(np.mean([len(self.prompt(mask)) for mask in masks]))
        return Estimate(calls, round(calls * characters), calls * seconds)

    def top(self, explanation: shapiq.InteractionValues, count: int = 10) -> list[str]:
        """Return the strongest interactions with their words, as ``(never, fails): +2.17``.

        Args:
            explanation: What an approximator found of this game.
            count: How many, single parts among them.
        """
        return [
            f"({', '.join(self.player_names[player] for player in players)}): {value:+.2f}"
            for players, value in _rank(explanation)[:count]
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
            note: A sentence for the bottom, as on how faithful the explanation is.
            count: How many interactions to list.
        """
        return render(
            self.segments,
            _rank(explanation),
            before=self._before,
            after=self._after,
            title=title,
            note=note,
            count=count,
        )


def _check(model: object, target: object) -> None:
    """Refuse a model without what it needs."""
    if isinstance(model, LanguageModel):
        if not isinstance(target, Target):
            msg = "A language model needs a target, as Labels('positive', 'negative')."
            raise TypeError(msg)
    elif not callable(model):
        msg = f"model must be a language model or a function, got {type(model).__name__}."
        raise TypeError(msg)
    elif target is not None and not callable(target):
        msg = "For a model that is a function, target must be a function or None."
        raise TypeError(msg)


def _rank(explanation: shapiq.InteractionValues) -> list[tuple[tuple[int, ...], float]]:
    """Return the interactions but that of nobody, the strongest first."""
    found = [(tuple(s), float(v)) for s, v in explanation.interactions.items() if len(s)]
    return sorted(found, key=lambda item: (-abs(item[1]), item[0]))


def _in_range(positions: Iterable[int], n: int) -> bool:
    return all(0 <= position < n for position in positions)


def _replace(part: str, mask: str | Callable[[str], str]) -> str:
    """Return what stands for a part, with the white space around it unless it is removed."""
    word = part.strip()
    if mask == "" or not word:
        # what ends a line or a paragraph goes on doing so
        return "".join(c for c in part[len(part.rstrip()) :] if c == "\n")
    return _put(part, mask if isinstance(mask, str) else mask(word))


def _put(part: str, text: str) -> str:
    """Put a text in the place of a part, between the white space around it."""
    word = part.strip()
    start = part.index(word)
    return part[:start] + text + part[start + len(word) :]
