"""How many prompts a second, and what the package itself takes of that."""

from __future__ import annotations

import ctypes
import os
import secrets
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import xllamacpp
from _common import markdown, progress
from _llm import model
from _prompts import REVIEWS, SENTIMENT

from shapiq_spex import StoredGame
from shapiq_spex.games import HuggingFace, Labels, OpenAICompatible, PromptGame, small_model

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from shapiq_spex.games import LanguageModel

_PROMPTS = 40
_MASKS = 1000
_RUNS = 5
_OVERHEAD = (15, 60, 250, 1000)
_KEY = "BENCHMARK_KEY"
_TOP = 100  # of the likeliest tokens, so that both labels are among them


def throughput(options: argparse.Namespace) -> str:
    """Random masks of reviews after four examples, two labels, one at a time on one thread.

    The overhead is that of a stored game of words, 1,000 masks, whose model answers at once.
    """
    models: dict[str, LanguageModel] = {"llama.cpp in process": model()}
    models["llama.cpp's server on loopback"] = _serve()
    if options.hugging_face:
        models |= _load_torch(options.hugging_face)
    rows = [_time(name, each, size) for name, each in models.items() for size in options.sizes]
    header = ["model", "words", "prompts a second", "ms a prompt", "CPU ms a prompt", "no answer"]
    overhead = [_time_overhead(n, _answer) for n in _OVERHEAD]
    overhead.append(_time_overhead(60, _Endpoint()))
    names = ["words, how kept", "asked, µs an ablation", "measured", "of it CPU"]
    return f"{markdown(header, rows)}\n\n{markdown(names, overhead)}"


def _serve() -> OpenAICompatible:
    """Run llama.cpp's server, with a key, for the rest of the process."""
    os.environ[_KEY] = secrets.token_hex()
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(small_model())
    parameters.n_ctx, parameters.n_parallel = 4096, 1
    parameters.cpuparams.n_threads = 1
    parameters.warmup, parameters.verbosity = False, -1
    parameters.api_keys = [os.environ[_KEY]]
    server = xllamacpp.Server(parameters)
    # it may wait for ever for its own end
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(server))
    url = f"{server.listening_address}/v1"
    return OpenAICompatible(url, model="small", top=_TOP, concurrency=1, key_variable=_KEY)


def _load_torch(folder: Path) -> dict[str, LanguageModel]:
    """Return the model of a folder on torch, where that is installed."""
    if find_spec("torch") is None:
        progress(["torch is not installed"])
        return {}
    return {"transformers": HuggingFace(folder)}


def _time(name: str, each: LanguageModel, size: int) -> list[str]:
    """Return the row of a model and a number of words."""
    target = Labels("positive", "negative")
    game = PromptGame(SENTIMENT, text=REVIEWS[size][0], model=each, target=target)
    masks = np.random.default_rng(2).random((_PROMPTS + 1, size)) < 0.5
    game.outputs(masks[:1])  # the four examples are read once
    cpu, wall = time.process_time(), time.perf_counter()
    found = game.outputs(masks[1:])
    cpu, wall = (time.process_time() - cpu) / _PROMPTS, (time.perf_counter() - wall) / _PROMPTS
    missing = f"{np.isnan(found).any(axis=1).mean():.0%}"
    row = [name, str(size), f"{1 / wall:.1f}", f"{1e3 * wall:.0f}", f"{1e3 * cpu:.0f}", missing]
    progress(row)
    return row


def _answer(prompts: list[str]) -> np.ndarray:
    """Answer at once."""
    return np.zeros(len(prompts))


class _Endpoint:
    """A model that answers at once, several prompts at a time, each of which is kept by itself."""

    concurrency = 8
    fingerprint = "at once"

    def __call__(self, prompts: list[str]) -> np.ndarray:
        """Answer at once."""
        return _answer(prompts)


def _time_overhead(n: int, answer: Callable[[list[str]], np.ndarray]) -> list[str]:
    """Return the row of what an ablation of n words costs without the model."""
    words = (REVIEWS[250][0].split() * 4)[:n]
    game = PromptGame(SENTIMENT, text=" ".join(words), model=answer)
    costs = []
    for run in range(_RUNS):
        masks = np.random.default_rng([3, run]).random((_MASKS, n)) < 0.5
        with (
            tempfile.TemporaryDirectory() as folder,
            StoredGame(game, Path(folder) / "overhead.sqlite") as stored,
        ):
            cpu, wall = time.process_time(), time.perf_counter()
            stored(masks)
            costs.append([time.perf_counter() - wall, time.process_time() - cpu])
    wall, cpu = (1e6 * median(column) / _MASKS for column in zip(*costs, strict=True))
    how = f"{n:,}, batches of {game.batch_size}"
    row = [how, "under 2,000", f"{wall:.0f}", f"{cpu:.0f}"]
    progress(row)
    return row
