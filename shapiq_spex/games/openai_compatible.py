"""Language models behind an HTTP endpoint that speaks OpenAI's protocol."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit, urlunsplit

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx
    import tenacity
    from numpy.typing import NDArray

_TOO_MANY, _SERVER_ERROR = 429, 500
_LONGEST_WAIT = 60.0  # seconds between two tries, unless the server asks for more
_SHOWN = 300  # characters of an answer that an error repeats


class EndpointError(RuntimeError):
    """The endpoint refused a request, or answered with something else than was asked for."""


class _TransientError(EndpointError):
    """A fault that may not come again."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait  # seconds that the server asked for


class OpenAICompatible:
    """A model behind an endpoint with ``/completions`` or ``/chat/completions`` (extra ``http``).

    Log-probabilities are read from the likeliest next tokens that the endpoint reports. An answer
    of several tokens takes one request a token, and a server that says which tokens these are, as
    llama.cpp and vLLM do; a chat endpoint can only score answers of one. An answer that is not
    among the reported tokens has no value (NaN): raise ``top`` where the endpoint allows it, or
    have a :class:`~shapiq_spex.StoredGame` skip such prompts.

    The key is read from an environment variable when it is needed; it is in no fingerprint, file or
    error.

    Examples:
        >>> from shapiq_spex.games import OpenAICompatible
        >>> model = OpenAICompatible("http://127.0.0.1:8080/v1", model="any")
        >>> model.fingerprint
        'endpoint http://127.0.0.1:8080/v1 any completions'
    """

    def __init__(
        self,
        url: str,
        *,
        model: str,
        chat: bool = False,
        top: int = 20,
        concurrency: int = 8,
        timeout: float = 60.0,
        retries: int = 6,
        backoff: float = 1.0,
        key_variable: str = "OPENAI_API_KEY",
    ) -> None:
        """Remember where to ask.

        Args:
            url: The address up to the version, as ``"http://127.0.0.1:8080/v1"``.
            model: The model's name at this endpoint.
            chat: Whether to send each prompt as a user's message, for models that chat.
            top: How many of the likeliest tokens to ask for.
            concurrency: How many requests may be under way at the same time.
            timeout: The seconds to wait for an answer.
            retries: How often to ask again after the statuses 429 and 5xx, dropped connections,
                time-outs and answers that are no JSON; after the time that the server asks for, or
                ever longer ones.
            backoff: The most seconds before the first retry; it doubles each time.
            key_variable: The environment variable that holds the key, if one is needed.

        Raises:
            ImportError: If httpx or tenacity is missing.
            ValueError: If the address is none, or a number is out of range.
        """
        self._httpx, self._tenacity = _import()
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            msg = f"url must be an address as 'http://127.0.0.1:8080/v1', got {url!r}."
            raise ValueError(msg)
        for name, number in (("top", top), ("concurrency", concurrency)):
            if number < 1:
                msg = f"{name} must be at least 1, got {number}."
                raise ValueError(msg)
        self.url = url.rstrip("/")
        self.model, self.chat, self.top, self.concurrency = model, chat, top, concurrency
        self._retries, self._backoff, self._key_variable = retries, backoff, key_variable
        self._client = self._httpx.Client(timeout=timeout)
        self._pieces: dict[str, list[str]] = {}

    @property
    def fingerprint(self) -> str:
        """The endpoint and the model, without any key."""
        parts = urlsplit(self.url)
        place = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        return f"endpoint {place} {self.model} {self._path}"

    def log_probabilities(
        self, prompts: Sequence[str], continuations: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return the log-probability of each continuation after each prompt, shape ``(m, k)``.

        Raises:
            EndpointError: If the endpoint refuses, goes on failing, or reports no probabilities.
        """
        with ThreadPoolExecutor(self.concurrency) as executor:
            rows = executor.map(lambda prompt: self._score(prompt, continuations), prompts)
            return np.array(list(rows), dtype=np.float64)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        """Return the model, whose connections are closed at the end of the block."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the connections."""
        self.close()

    @property
    def _path(self) -> str:
        return "chat/completions" if self.chat else "completions"

    def _score(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Return the log-probabilities of continuations; the first tokens take one request."""
        first = self._next_tokens(prompt)
        return [self._follow(prompt, text, first) for text in continuations]

    def _follow(self, prompt: str, text: str, tokens: dict[str, float]) -> float:
        """Return the log-probability of a text, given the likeliest first tokens."""
        if self.chat:  # models begin an answer without a space
            return tokens.get(text, tokens.get(text.strip(), np.nan))
        if text in tokens:
            return tokens[text]
        total = 0.0
        pieces = self._split(text)
        for position, piece in enumerate(pieces):
            if piece not in tokens:
                return float("nan")
            total += tokens[piece]
            prompt += piece
            if position < len(pieces) - 1:
                tokens = self._next_tokens(prompt)
        return total

    def _split(self, text: str) -> list[str]:
        """Return the tokens of an answer where the server tells, as llama.cpp and vLLM do.

        To guess them would be wrong now and then: what the likeliest tokens allow for is no proof.
        """
        if text not in self._pieces:
            body = {"model": self.model, "prompt": text, "return_token_strs": True}
            body |= {"content": text, "with_pieces": True, "add_special_tokens": False}
            try:
                answer = self._post(f"{self.url.removesuffix('/v1')}/tokenize", body).json()
                found = answer.get("token_strs") or [t["piece"] for t in answer["tokens"]]
                pieces = [str(piece) for piece in found]
            except (EndpointError, ValueError, KeyError, TypeError, AttributeError):
                pieces = [text]
            self._pieces[text] = pieces if "".join(pieces) == text else [text]
        return self._pieces[text]

    def _next_tokens(self, prompt: str) -> dict[str, float]:
        """Return the likeliest next tokens with their log-probabilities."""
        body: dict[str, Any] = {"model": self.model, "max_tokens": 1, "temperature": 0}
        if self.chat:
            body["messages"] = [{"role": "user", "content": prompt}]
            body |= {"logprobs": True, "top_logprobs": self.top}
        else:
            body |= {"prompt": prompt, "logprobs": self.top}
        answer = self._ask(body)
        try:
            return _read_tokens(answer["choices"][0]["logprobs"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            msg = (
                f"{self.url} answers without the log-probabilities of the next token, which this "
                "target needs. Use a server that reports them (`logprobs`), or a target that needs "
                f"none. It said: {self._shorten(str(answer))}"
            )
            raise EndpointError(msg) from error

    def _ask(self, body: dict[str, Any]) -> Any:  # noqa: ANN401 decoded JSON
        """Return what the endpoint answers, trying again where that may help."""
        retrying = self._tenacity.Retrying(
            retry=self._tenacity.retry_if_exception_type(_TransientError),
            stop=self._tenacity.stop_after_attempt(1 + self._retries),
            wait=self._wait,
            reraise=True,
        )
        return retrying(self._ask_once, body)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Return the seconds to wait: what the server asked for, or a random backoff."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, _TransientError) else 0.0
        backoff = self._tenacity.wait_random_exponential(self._backoff, max=_LONGEST_WAIT)
        return max(asked, float(backoff(state)))

    def _ask_once(self, body: dict[str, Any]) -> Any:  # noqa: ANN401 decoded JSON
        answer = self._post(f"{self.url}/{self._path}", body)
        try:
            return answer.json()
        except ValueError as error:
            msg = f"{self.url} answers with something that is no JSON: {self._shorten(answer.text)}"
            raise _TransientError(msg) from error

    def _post(self, url: str, body: dict[str, Any]) -> httpx.Response:
        """Return the answer to a request that was accepted."""
        key = os.environ.get(self._key_variable)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            answer: httpx.Response = self._client.post(url, json=body, headers=headers)
        except self._httpx.TransportError as error:
            msg = f"{self.url} does not answer: {type(error).__name__}."
            raise _TransientError(msg) from error
        if answer.status_code == _TOO_MANY or answer.status_code >= _SERVER_ERROR:
            msg = f"{self.url} answers with status {answer.status_code}."
            raise _TransientError(msg, _read_wait(answer))
        if answer.is_error:
            said = self._shorten(answer.text)
            msg = f"{self.url} refuses with status {answer.status_code}: {said}"
            raise EndpointError(msg)
        return answer

    def _shorten(self, text: str) -> str:
        """Return the beginning of an answer, without the key should it be in there."""
        key = os.environ.get(self._key_variable)
        return (text.replace(key, "[key]") if key else text)[:_SHOWN]


def _import() -> tuple[Any, Any]:
    """Return httpx and tenacity, or say how to install them."""
    try:
        import httpx  # noqa: PLC0415 an extra
        import tenacity  # noqa: PLC0415 an extra
    except ImportError as error:
        msg = "OpenAICompatible needs httpx and tenacity: pip install 'shapiq-spex[http]'."
        raise ImportError(msg) from error
    return httpx, tenacity


def _read_tokens(report: Any) -> dict[str, float]:  # noqa: ANN401 decoded JSON
    """Return the first token's alternatives, in the older or the newer form of the protocol."""
    if "content" in report:
        first = report["content"][0]
        entries = [first, *first["top_logprobs"]]
        # several tokens may read the same, as parts of characters do: the likeliest counts
        entries.sort(key=lambda entry: float(entry["logprob"]))
        return {entry["token"]: float(entry["logprob"]) for entry in entries}
    top = report["top_logprobs"][0]
    return {str(token): float(value) for token, value in top.items()}


def _read_wait(answer: httpx.Response) -> float:
    """Return the seconds that a server asks to wait, 0 where it says nothing that is a number."""
    try:
        return max(0.0, float(answer.headers.get("Retry-After", 0)))
    except ValueError:
        return 0.0
