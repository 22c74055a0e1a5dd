"""Head ablation as a game: the players are attention heads of a transformer."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from shapiq import Game
from tqdm.auto import tqdm

from shapiq_spex._numbers import as_real, check_integer
from shapiq_spex.ablations import Versions

from . import _results
from .heads._ablation import as_switches, switching
from .heads._evaluator import Evaluator
from .heads._replacements import ABLATIONS, Ablation
from .heads._selection import Heads, choose_heads
from .heads._structure import find_layers
from .heads._ways import Ways, find_ways
from .heads.pruning import Plan, apply_pruning, unwrap
from .models.hugging_face import HuggingFace
from .models.hugging_face._evaluating import evaluating
from .models.hugging_face._loading import describe_state, digest_model, require
from .tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import transformers
    from numpy.typing import ArrayLike, NDArray

    from .tasks import Prepared

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Measure = Callable[[transformers.PreTrainedModel], Any]

_BATCH_SIZE = 1024  # a store keeps what is there before a batch is whole
_MAX_TOKENS = {"cpu": 2048}  # in a pass: more do not fit into the caches
_MAX_TOKENS_ELSEWHERE = 32_768
_QUIET_SECONDS = 2.0


class HeadAblationGame(_results.NamedPlayers, Game):
    """Which attention heads a transformer's answers rest on, and which of them act together.

    The players are heads. A mask says which are on; the value is how well the model then does a
    task. A head is off if nothing goes from it into the output projection of its attention; its
    mean, or what it says of another example, can stand for it instead.

    The model is not changed: heads are off within the passes of this game alone, in which it
    evaluates, whatever it does outside of them. From one evaluation comes what the model says of
    all examples, so that in a :class:`~shapiq_spex.StoredGame` other values of the same task, and
    single examples, cost nothing: see :meth:`with_value` and :meth:`at`.

    Attributes:
        heads: The players, as layer and head, both counted from 0.
        player_names: Their names, as ``L3H5``.
        task: What the model is to do: a task, or a function.
        ablation: What stands for heads that are off.
    """

    def __init__(
        self,
        model: transformers.PreTrainedModel | HuggingFace,
        task: Task | Measure,
        *,
        heads: Heads = "all",
        tokenizer: transformers.PreTrainedTokenizerBase | None = None,
        ablation: Ablation = "zero",
        rescale: bool = False,
        max_tokens: int | None = None,
        random_state: int = 0,
        batch_size: int | None = None,
    ) -> None:
        """Find the heads and prepare the task.

        Args:
            model: A model of transformers, an encoder or a decoder-only one, as it was loaded
                there or by :class:`~shapiq_spex.games.HuggingFace`.
            task: A task, or a function of the model, whose heads are off meanwhile, that returns a
                number, or one number for each example, of which the mean is the value.
            heads: Which heads are players: ``"all"``, those of some :func:`layers`, or a list of
                ``(layer, head)``, counted from 0. All others are always on.
            tokenizer: The model's tokenizer, by default that of the place it was loaded from.
            ablation: What stands for heads that are off: ``"zero"``, nothing; ``"mean"``, the mean
                of what the head says at all tokens of the task's examples; or ``"resample"``, what
                it says of another example, drawn once for each.
            rescale: Whether the heads that are on are multiplied by the number of the layer's heads
                over that of those on.
            max_tokens: How many tokens of examples and masks go into a pass together, by default
                2,048 on a CPU and 32,768 elsewhere.
            random_state: The seed of which example is taken instead.
            batch_size: How many masks a store asks for at once.

        Raises:
            ImportError: If torch or transformers is missing.
            ValueError: If heads cannot be found, are not there or are named twice, the task does
                not go with the model, or a number is out of range.
            TypeError: If a number is none.
        """
        torch, _ = require()
        if ablation not in ABLATIONS:
            msg = f"ablation must be one of {', '.join(map(repr, ABLATIONS))}, got {ablation!r}."
            raise ValueError(msg)
        for name, number in (("max_tokens", max_tokens), ("batch_size", batch_size)):
            if number is not None:
                check_integer(name, number, 1)
        check_integer("random_state", random_state, 0)
        self._model = unwrap(model)
        if tokenizer is None and isinstance(model, HuggingFace):
            tokenizer = model.tokenizer
        if isinstance(tokenizer, str):
            msg = "Pass the tokenizer itself, as AutoTokenizer.from_pretrained loads it."
            raise ValueError(msg)  # noqa: TRY004, the same error for every bad argument
        self._tokenizer = tokenizer
        if self._model.device.type == "meta":
            msg = "The model's weights are not in memory: load them first."
            raise ValueError(msg)
        self._layers = find_layers(self._model)
        self.heads = choose_heads(heads, [layer.n_heads for layer in self._layers])
        super().__init__(n_players=len(self.heads), normalize=False)
        self.player_names = [f"L{layer}H{head}" for layer, head in self.heads]
        self.ablation, self._rescale, self._random_state = ablation, rescale, random_state
        kind = torch.device(self._model.device).type
        self._max_tokens = max_tokens or _MAX_TOKENS.get(kind, _MAX_TOKENS_ELSEWHERE)
        self.batch_size = batch_size or _BATCH_SIZE
        self._known: tuple[object, str] | None = None
        self._ways: dict[bool, Ways] = {}
        self.task = task
        self._evaluator = self._prepare(task)

    def _prepare(self, task: Task | Measure, origin: Evaluator | None = None) -> Evaluator:
        """Prepare a task."""
        prepared = None
        if isinstance(task, Task):
            prepared = task.prepare(self._model, self._need_tokenizer())
        elif not callable(task):
            kind = type(task).__name__
            msg = f"The task must be a task or a function of the model, got a {kind}."
            raise ValueError(msg)  # noqa: TRY004, the same error for every bad argument
        return Evaluator(
            self._model,
            self._layers,
            frozenset(self.layers),
            prepared,
            self.ablation,
            self._rescale,
            self._max_tokens,
            self._find_ways(prepared),
            self._random_state,
            origin,
        )

    def _find_ways(self, prepared: Prepared | None) -> Ways:
        """Find out how work may be saved with this model, once for each kind of task."""
        if prepared is None:
            return Ways()
        causal = prepared.reader.causal
        if causal not in self._ways:
            self._ways[causal] = find_ways(self._model, self._layers, prepared.rows, causal=causal)
        return self._ways[causal]

    @property
    def layers(self) -> list[int]:
        """The layer of each player."""
        return [layer for layer, _ in self.heads]

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Everything that changes what the model says."""
        prepared = self._evaluator.prepared
        # stores from before ways were tried hold what came out of wrong ones
        direct = {} if self._evaluator.ways.skips else {"skips": False}
        return {
            "game": "heads",
            "model": self._identify(),
            "heads": self.heads,
            "how": [self.ablation, self._rescale, self._random_state],
            "task": self.task if prepared is None else prepared.digest,
            "instead": self._evaluator.instead,
            "packages": Versions(HuggingFace.packages),
            **direct,
        }

    def with_value(self, value: str) -> Self:
        """Return the game of another value of the same task, with the same evaluations.

        In a store of the same file, it costs none.

        Args:
            value: The value, as ``"accuracy"``.

        Returns:
            The game.

        Raises:
            ValueError: If the task has no such value.
            TypeError: If the task is a function.
        """
        other = copy.copy(self)
        other.task = replace(self._need_task(), value=value)  # type: ignore[type-var]
        return other

    def at(self, example: int) -> Self:
        """Return the game of one of the examples, with the same evaluations.

        In a store of the same file, it costs none.

        Args:
            example: Its position.

        Returns:
            The game.

        Raises:
            IndexError: If there is no such example.
            TypeError: If the task is a function.
        """
        count = len(self._need_task())
        if not -count <= check_integer("example", example) < count:
            msg = f"There is no example {example}: there are {count}."
            raise IndexError(msg)
        other = copy.copy(self)
        other._example = example % count  # noqa: SLF001 of the same class
        return other

    def on(self, task: Task | Measure) -> Self:
        """Return the game of the same heads with another task, as of examples held out.

        Means that stand for heads are those of this game's examples.

        Args:
            task: The task.

        Returns:
            The game.

        Raises:
            ValueError: If it does not go with the model.
        """
        other = copy.copy(self)
        other.task, other._example = task, None  # noqa: SLF001 of the same class
        origin = self._evaluator.origin or self._evaluator
        other._evaluator = self._prepare(task, origin)  # noqa: SLF001 as above
        return other

    def prune(self, plan: Plan | ArrayLike) -> transformers.PreTrainedModel:
        """Return a copy of the model that runs without the heads that a plan leaves out.

        See :func:`~shapiq_spex.games.apply_pruning`, which it calls with these heads, rescaled as
        in this game.

        Args:
            plan: What :func:`~shapiq_spex.best_subset` returned, or a mask.

        Returns:
            The smaller model.

        Raises:
            ValueError: If something stands for heads that are off: a model cannot be without heads
                and have them replaced; or if the plan is of another game.
        """
        if self.ablation != "zero":
            msg = (
                f"In this game of ablation={self.ablation!r}, something stands for heads that are "
                "off; in a pruned model, nothing does. Use ablation='zero', or apply_pruning "
                "whatever comes of it."
            )
            raise ValueError(msg)
        return apply_pruning(self._model, plan, heads=self.heads, rescale=self._rescale)

    @contextlib.contextmanager
    def ablated(self, coalition: BoolArray) -> Iterator[transformers.PreTrainedModel]:
        """Have heads off for a while in whatever the model is used for.

        Args:
            coalition: Which heads are on, shape ``(n,)``.

        Yields:
            The model, evaluating, without gradients.

        Raises:
            ValueError: If what stands for heads depends on the example.
        """
        if self.ablation == "resample":
            msg = "What stands for heads depends on the example: this works in a task only."
            raise ValueError(msg)
        torch, _ = require()
        kept = self._spread(np.asarray(coalition, dtype=bool)[None])
        instead = self._evaluator.replacement
        switches = [
            as_switches(
                torch.from_numpy(kept[:, place, : layer.n_heads]).to(self._model.device),
                rescale=self._rescale,
                instead=instead.of_common(place, 0),
            )
            for place, layer in enumerate(self._layers)
        ]
        with evaluating(self._model), switching(self._layers, switches):
            yield self._model

    def stream(self, coalitions: BoolArray) -> Iterator[tuple[IntArray, FloatArray]]:
        """Run the model, and hand on what comes out as soon as it is there: what costs.

        Args:
            coalitions: Shape ``(m, n)``.

        Yields:
            The positions of some coalitions, and what the model says, shape ``(c, d)``.

        Raises:
            ValueError: If a function returns anything but numbers.
        """
        masks = np.asarray(coalitions, dtype=bool)
        runner = self._evaluator.runner
        if runner is not None:
            yield from runner.run(self._spread(masks))
            return
        measure = cast("Measure", self.task)
        for position, mask in enumerate(masks):
            with self.ablated(mask) as model:
                measured = _as_numbers(measure(model))
            yield np.array([position]), measured[None]

    def outputs(self, coalitions: BoolArray) -> FloatArray:
        """Run the model: what costs, and what a store keeps.

        Args:
            coalitions: Shape ``(m, n)``.

        Returns:
            What the model says of all examples, shape ``(m, d)``.
        """
        return self._gather(coalitions, lambda outputs: outputs)

    def values(self, outputs: FloatArray) -> FloatArray:
        """Turn what the model says into values.

        Args:
            outputs: Shape ``(m, d)``.

        Returns:
            Array of shape ``(m,)``.
        """
        prepared = self._evaluator.prepared
        if prepared is None:
            mean: FloatArray = outputs.mean(axis=1)
            return mean
        task = self._need_task()
        if self._example is not None:
            return task.rate(prepared, outputs)[:, self._example]
        return task.values(prepared, outputs)

    def value_function(self, coalitions: np.ndarray) -> np.ndarray:
        """Return the values of coalitions.

        Args:
            coalitions: Which players are present, shape ``(m, n)``.

        Returns:
            The values, shape ``(m,)``.
        """
        return self._gather(coalitions, self.values)

    _example: int | None = None

    def _gather(
        self, coalitions: BoolArray, read: Callable[[FloatArray], FloatArray]
    ) -> FloatArray:
        """Run the model and put what is read of it into the order of the coalitions."""
        positions, parts = [np.empty(0, dtype=np.int64)], []
        with tqdm(
            total=len(coalitions), desc="Ablations", delay=_QUIET_SECONDS, leave=False
        ) as bar:
            for some, outputs in self.stream(coalitions):
                positions.append(some)
                parts.append(read(outputs))
                bar.update(len(some))
        if not parts:
            return np.empty(0)
        found: FloatArray = np.concatenate(parts)[np.argsort(np.concatenate(positions))]
        return found

    def _spread(self, coalitions: BoolArray) -> BoolArray:
        """Return which heads of all layers are on, shape ``(m, n_layers, most heads)``."""
        most = max(layer.n_heads for layer in self._layers)
        kept = np.ones((len(coalitions), len(self._layers), most), dtype=bool)
        where, which = np.array(self.heads).T
        kept[:, where, which] = coalitions
        return kept

    def _identify(self) -> str:
        """Return what identifies the model, found once for each state of it."""
        state = describe_state(self._model)
        if self._known is None or self._known[0] != state:
            self._known = state, digest_model(self._model)
        return self._known[1]

    def _need_task(self) -> Task:
        """Return the task, if it is none of functions."""
        if not isinstance(self.task, Task):
            msg = "The task is a function: it has one value, and its examples are not known."
            raise TypeError(msg)
        return self.task

    def _need_tokenizer(self) -> transformers.PreTrainedTokenizerBase:
        """Return the tokenizer."""
        if self._tokenizer is None:
            _, transformers = require()
            place = self._model.config.name_or_path
            msg = f"There is no tokenizer at {place!r}: pass it as tokenizer=..."
            try:
                found = transformers.AutoTokenizer.from_pretrained(place)
            except (OSError, ValueError) as error:
                raise ValueError(msg) from error
            # where there are no files, transformers may make one that knows no words
            if len(found) <= len(found.all_special_tokens):
                raise ValueError(msg)
            self._tokenizer = found
        return self._tokenizer


def _as_numbers(returned: Any) -> FloatArray:  # noqa: ANN401 whatever a function returned
    """Return what a function returned as a vector.

    Raises:
        ValueError: If it is none.
    """
    if returned is not None:
        with contextlib.suppress(TypeError):
            numbers = np.atleast_1d(as_real(returned, "The function must return"))
            if numbers.ndim == 1 and len(numbers):
                return numbers
    shown = f"shape {np.shape(returned)}" if np.ndim(returned) else repr(returned)
    msg = f"The function must return a number, or one for each example, got {shown}."
    raise ValueError(msg)
