"""Several requests at a time, after one of them was answered."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ._endpoint import TransientError

if TYPE_CHECKING:
    from ._endpoint import Endpoint


class Opening:
    """Sends one request alone, and others only when it was answered.

    A server that is down is found out by one request, then, and one that remembers how prompts
    begin computes that once. After a refusal, which may be of one prompt, the next goes alone.
    """

    def __init__(self, endpoint: Endpoint, concurrency: int) -> None:
        """Allow so many requests at a time."""
        self._endpoint = endpoint
        self._slots = threading.BoundedSemaphore(concurrency)
        self._first = threading.Lock()
        self._open = False
        self._failures = 0
        self._fault: TransientError | None = None

    def ask(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 decoded JSON
        """Return what the endpoint answers.

        Raises:
            EndpointError: If it refuses or goes on failing, or went on failing with the request
                whose answer this one waited for.
        """
        failures = self._failures
        with self._slots:
            if not self._open:
                with self._first:
                    if not self._open:
                        return self._try(path, body, failures)
            return self._endpoint.ask(path, body)

    def _try(self, path: str, body: dict[str, Any], failures: int) -> Any:  # noqa: ANN401 as above
        """Send a request alone, unless the endpoint was found to fail since this was to be sent."""
        if self._fault is not None and self._failures > failures:
            raise self._fault
        try:
            answer = self._endpoint.ask(path, body)
        except TransientError as error:
            self._failures += 1
            self._fault = error
            raise
        self._open = True
        return answer
