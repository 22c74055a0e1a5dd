"""The class that loads a model of transformers and tells which kind it is."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from shapiq_spex._numbers import check_integer, check_real
from shapiq_spex.games.models._protocols import Usage

from . import _loading as loading
from ._evaluating import lock_of
from ._text import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import torch
    import transformers
    from numpy.typing import NDArray

    from shapiq_spex.games.models._protocols import Prompt

_UNBOUNDED = 10**9  # tokenizers without a limit name a number beyond it


class HuggingFace:
    """A model of transformers (the extra ``huggingface``), from a folder, the hub or memory.

    It is one of two kinds, which the model's architecture tells: a causal language model has
    ``log_probabilities`` and ``generate``, as a :class:`LanguageModel` and a :class:`Generator`, a
    sequence classifier has ``classes`` and ``logits``, as a :class:`Classifier`. Prompts are
    computed in batches of like length; a value depends on its prompt alone, but for the rounding of
    floats. The examples at the beginning that all prompts of a call have in common are computed
    once.

    Attributes:
        usage: The passes so far, and the tokens of their rows without padding.
        packages: The packages whose versions may change an answer.

    Examples:
        >>> from shapiq_spex.games import HuggingFace
        >>> model = HuggingFace("HuggingFaceTB/SmolLM2-135M-Instruct")  # doctest: +SKIP
        >>> model.log_probabilities(["The capital of France is"], [" Paris"])  # doctest: +SKIP
        array([[-0.258]])
    """

    packages = ("transformers",)
    _auto = ""

    def __new__(cls, model: object, **options: Any) -> Self:  # noqa: ANN401 see __init__
        """Choose the kind that the model is of."""
        if cls is not HuggingFace:
            return super().__new__(cls)
        loading.require()
        if isinstance(model, str | os.PathLike):
            names = ("gguf_file", "revision", "trust_remote_code")
            chosen = {name: options[name] for name in names if options.get(name)}
            classifies = loading.will_classify(model, **chosen)
        else:
            config = cast("transformers.PreTrainedModel", model).config
            classifies = loading.is_classifier(config, [type(model).__name__])
        # they build on this class
        kinds = importlib.import_module("._kinds", __package__)
        kind = kinds.SequenceClassifier if classifies else kinds.CausalLanguageModel
        return cast("Self", super().__new__(kind))

    def __init__(
        self,
        model: str | os.PathLike[str] | transformers.PreTrainedModel,
        *,
        tokenizer: transformers.PreTrainedTokenizerBase | None = None,
        chat: bool = False,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        batch_size: int = 16,
        temperature: float = 0.0,
        gguf_file: str | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        """Load the model.

        Args:
            model: A folder, a name on the hub, or a model that is loaded already, which stays where
                it is and is put into its mode for evaluation.
            tokenizer: The tokenizer, by default that of the folder or the hub.
            chat: Whether a text is what a user says, for models that chat.
            device: Where to compute, by default on a GPU if there is one.
            dtype: The type of the weights, as ``"bfloat16"``; by default float32 on a CPU, and on a
                GPU what they are saved as.
            batch_size: How many prompts to compute at once.
            temperature: How far generated answers are drawn at random; at 0 each token is the
                likeliest.
            gguf_file: The GGUF file of the folder or the hub to load.
            revision: The branch, tag or commit on the hub.
            trust_remote_code: Whether to run code that comes with the model.

        Raises:
            ImportError: If torch or transformers is missing.
            FileNotFoundError: If a path is no folder.
            OSError: If there is no such model, or what it needs cannot be read.
            ValueError: If the model is of another kind or lacks weights, a number is out of range,
                or what goes with a loaded model is missing or cannot be changed any more.
        """
        check_integer("batch_size", batch_size, 1)
        check_real("temperature", temperature, 0)
        found = {
            "gguf_file": gguf_file,
            "revision": revision,
            "trust_remote_code": trust_remote_code,
        }
        options = {name: value for name, value in found.items() if value}
        if isinstance(model, str | os.PathLike):
            self._model, self._tokenizer = loading.load(
                self._auto, model, device=device, dtype=dtype, tokenizer=tokenizer, **options
            )
            self._source: str | None = os.fspath(model)
        else:
            if tokenizer is None or device or dtype or options:
                msg = (
                    "A loaded model needs its tokenizer, and takes no device, dtype, gguf_file, "
                    "revision or trust_remote_code."
                )
                raise ValueError(msg)
            self._model, self._tokenizer, self._source = model.eval(), tokenizer, None
        self.chat, self.batch_size, self.temperature = chat, batch_size, temperature
        self.usage = Usage()
        self._gguf_file, self._own_tokenizer = gguf_file, tokenizer is not None
        self._texts = Texts(self._tokenizer, chat=chat)
        self._state = loading.describe_state(self._model)  # as it was loaded
        self._known: tuple[object, str] | None = None
        self._lock = lock_of(self._model)

    if TYPE_CHECKING:
        # which of these there are is known when the model is loaded

        def log_probabilities(
            self, prompts: Sequence[Prompt], continuations: Sequence[str]
        ) -> NDArray[np.float64]: ...

        def generate(
            self, prompts: Sequence[Prompt], max_tokens: int, seed: int = 0
        ) -> list[str]: ...

        @property
        def classes(self) -> tuple[str, ...]: ...

        def logits(self, prompts: Sequence[Prompt]) -> NDArray[np.float64]: ...

    @property
    def model(self) -> transformers.PreTrainedModel:
        """The model itself."""
        return self._model

    @property
    def tokenizer(self) -> transformers.PreTrainedTokenizerBase:
        """Its tokenizer."""
        return self._tokenizer

    @property
    def fingerprint(self) -> str:
        """What identifies the weights, the tokenizer and how they are used.

        A digest of the folder's files; the name and the commit on the hub; or a digest of what is
        in memory, of a model that was loaded before or changed since.
        """
        parts = [self._identify()]
        if self._own_tokenizer:
            parts.append(loading.digest_tokenizer(self._tokenizer))
        parts.append(str(self._model.dtype).removeprefix("torch."))
        parts += ["chat"] if self.chat else []
        parts += [f"temperature {self.temperature}"] if self.temperature else []
        return f"transformers {' '.join(parts)}"

    def _identify(self) -> str:
        """Return what identifies the weights, found once for each state of them."""
        state = loading.describe_state(self._model)
        if self._known is None or self._known[0] != state:
            source = self._read_source() if state == self._state else None
            self._known = state, source or loading.digest_model(self._model)
        return self._known[1]

    def _read_source(self) -> str | None:
        """Return what identifies the place that the weights were loaded from, if there is one."""
        commit = getattr(self._model.config, "_commit_hash", None)
        if self._source is not None and Path(self._source).is_dir():
            return loading.digest_folder(Path(self._source), self._gguf_file)
        if self._source is not None and commit:
            return " ".join([self._source, str(commit), self._gguf_file or ""]).strip()
        return None

    def tokens(self, text: str) -> list[str]:
        """Return the tokens as texts that give the text back when they are joined.

        Tokens that are parts of one character stand together; white space between tokens stands
        with the later one.

        Args:
            text: The text.

        Returns:
            The tokens in their order.

        Raises:
            ValueError: If the tokenizer does not say where its tokens are.
        """
        return self._texts.pieces(text)

    def _batches(self, rows: Sequence[list[int]]) -> Iterator[list[int]]:
        """Yield the positions of rows, those of like length together."""
        order = sorted(range(len(rows)), key=lambda position: len(rows[position]))
        for start in range(0, len(order), self.batch_size):
            yield order[start : start + self.batch_size]

    def _check(self, rows: Sequence[list[int]], more: int = 0) -> None:
        """Refuse rows that do not fit the model.

        Args:
            rows: The tokens of prompts.
            more: How many follow each.
        """
        config = self._model.config.get_text_config()
        limits = (
            getattr(config, "max_position_embeddings", None),
            self._tokenizer.model_max_length,
        )
        limit = min((n for n in limits if n and n > 0), default=_UNBOUNDED)
        longest = max(map(len, rows), default=0) + more
        if longest > limit:
            what = f" with the {more} that follow it" if more else ""
            msg = f"A prompt has {longest} tokens{what}, and the model takes {limit}."
            raise ValueError(msg)

    @property
    def _padding(self) -> int | None:
        """The token that the model takes for padding."""
        found = getattr(self._model.config.get_text_config(), "pad_token_id", None)
        return found if found is not None and found >= 0 else None
