"""Requests to an HTTP endpoint: its key, its time-outs, and trying again."""

from __future__ import annotations

import os
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from shapiq_spex._numbers import check_integer, is_real

if TYPE_CHECKING:
    import httpx
    import tenacity

_TOO_MANY, _SERVER_ERROR = 429, 500
_LONGEST_WAIT = 60.0  # seconds between two tries, unless the server asks for more
_LONGEST_ASKED = 3600.0  # seconds that a server may make a run wait
_SHOWN = 300  # characters of an answer that an error repeats


class EndpointError(RuntimeError):
    """The endpoint refused a request, or answered with something else than was asked for.

    Its text holds no key, and may be shown.
    """

    public = True


class TransientError(EndpointError):
    """A fault that may not come again."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait  # seconds that the server asked for


class Endpoint:
    """An address that answers JSON with JSON.

    Attributes:
        url: The address.
    """

    def __init__(
        self, url: str, *, timeout: float, retries: int, backoff: float, key_variable: str
    ) -> None:
        """Remember where to ask; see OpenAICompatible.

        Raises:
            ImportError: If httpx or tenacity is missing.
            ValueError: If the address is none, or a number is out of range.
            TypeError: If a number is none.
        """
        self._httpx, self._tenacity = _import()
        check_integer("retries", retries, 0)
        for name, seconds in (("timeout", timeout), ("backoff", backoff)):
            if not (is_real(seconds) and seconds > 0):
                msg = f"{name} must be a positive number of seconds, got {seconds!r}."
                raise ValueError(msg)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            shown = url.rpartition("@")[2]
            msg = f"url must be an address as 'http://127.0.0.1:8080/v1', got {shown!r}."
            raise ValueError(msg)
        self.url = url.rstrip("/")
        self._retries, self._backoff, self._key_variable = retries, backoff, key_variable
        self._client = self._httpx.Client(timeout=timeout)

    @property
    def place(self) -> str:
        """The address without any key."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, path: str, body: dict[str, Any], *, outside: bool = False) -> Any:  # noqa: ANN401 decoded JSON
        """Return what the endpoint answers, trying again where that may help.

        Args:
            path: The path below the address.
            body: What to send.
            outside: Whether the path is beside that of the protocol's version.

        Raises:
            EndpointError: If it refuses, or goes on failing.
        """
        retrying = self._tenacity.Retrying(
            retry=self._tenacity.retry_if_exception_type(TransientError),
            stop=self._tenacity.stop_after_attempt(1 + self._retries),
            wait=self._wait,
            reraise=True,
        )
        base = self.url.removesuffix("/v1") if outside else self.url
        return retrying(self._ask_once, f"{base}/{path}", body)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Return the seconds to wait: what the server asked for, or a random backoff."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, TransientError) else 0.0
        backoff = self._tenacity.wait_random_exponential(self._backoff, max=_LONGEST_WAIT)
        return max(asked, float(backoff(state)))

    def _ask_once(self, url: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 decoded JSON
        answer = self._post(url, body)
        try:
            return answer.json()
        except ValueError as error:
            msg = f"{self.place} answers with something that is no JSON: {self._show(answer.text)}"
            raise TransientError(msg) from error

    def _post(self, url: str, body: dict[str, Any]) -> httpx.Response:
        """Return the answer to a request that was accepted."""
        key = self._key()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            answer: httpx.Response = self._client.post(url, json=body, headers=headers)
        except self._httpx.LocalProtocolError:
            msg = "cannot be sent this request, as it would break the protocol."
            raise self.error(msg) from None  # its text holds what was sent
        except self._httpx.TransportError as error:
            msg = f"{self.place} does not answer: {type(error).__name__}."
            raise TransientError(msg) from error
        if answer.status_code == _TOO_MANY or answer.status_code >= _SERVER_ERROR:
            msg = f"{self.place} answers with status {answer.status_code}."
            raise TransientError(msg, _read_wait(answer))
        if answer.is_error:
            msg = f"refuses with status {answer.status_code}."
            raise self.error(msg, answer.text)
        return answer

    def error(self, fault: str, answer: str = "") -> EndpointError:
        """Return an error that names the endpoint, what is wrong, and what it said."""
        said = f" It said: {self._show(answer)}" if answer else ""
        return EndpointError(f"{self.place} {fault}{said}")

    def _show(self, text: str) -> str:
        """Return the beginning of an answer, without the key should it be in there."""
        key = self._key()
        return (text.replace(key, "[key]") if key else text)[:_SHOWN]

    def _key(self) -> str:
        """Return the key, empty if there is none."""
        key = os.environ.get(self._key_variable, "").strip()
        if not (key.isascii() and (key.isprintable() or not key)):
            msg = f"The key in the variable {self._key_variable} is no plain text."
            raise EndpointError(msg)
        return key


def _import() -> tuple[Any, Any]:
    """Return httpx and tenacity, or say how to install them."""
    try:
        import httpx  # noqa: PLC0415 an extra
        import tenacity  # noqa: PLC0415 an extra
    except ImportError as error:
        msg = "OpenAICompatible needs httpx and tenacity: pip install 'shapiq-spex[http]'."
        raise ImportError(msg) from error
    return httpx, tenacity


def _read_wait(answer: httpx.Response) -> float:
    """Return the seconds that a server asks to wait, 0 where it says nothing that can be read."""
    said = answer.headers.get("Retry-After", "0")
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except ValueError:
            return 0.0
    return min(max(0.0, seconds), _LONGEST_ASKED)
