"""Writing to terminals, files and pipes that lack characters, or that nobody reads any more."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator


class LastingStream:
    r"""A stream in which nothing that was paid for is lost to an error of writing.

    Characters that it lacks are written as ``\u4e2d``. Where the reader has gone, as ``head`` does,
    the rest is written nowhere.

    Attributes:
        unread: Whether the reader has gone.
    """

    def __init__(self, stream: TextIO) -> None:
        """Stand before a stream."""
        self._stream = stream
        self.unread = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 whatever a stream has
        """Be like the stream in all else."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write what can be written."""
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except OSError as error:
            self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Send nowhere what comes, and what the interpreter writes at its end.

        Raises:
            OSError: If the reader is not what is missing, as on a full disk.
        """
        self.unread = isinstance(error, BrokenPipeError)
        with suppress(OSError, ValueError):  # some streams are no files
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        if not self.unread:
            raise error


@contextmanager
def lasting_streams() -> Iterator[LastingStream]:
    """Put such streams in the place of the process's own for a while; yield that of the report."""
    before = sys.stdout, sys.stderr
    report, messages = map(LastingStream, before)
    sys.stdout, sys.stderr = report, messages
    try:
        yield report
    finally:
        messages.flush()
        sys.stdout, sys.stderr = before
