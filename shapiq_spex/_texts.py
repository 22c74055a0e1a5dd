"""Reading the text files that people write with their editors and shells."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

# the longer ones first, as those of UTF-16 begin with that of UTF-32
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_READABLE = re.compile(r"[ \r\n]")
_MEND = "save it as UTF-8."


def read_text(path: str | os.PathLike[str]) -> str:
    """Read a text in UTF-8, UTF-16 or UTF-32, as the marks at its beginning tell.

    Without a mark it is UTF-8, or UTF-16 where zeros in every other byte leave no doubt. The ends
    of its lines stay as they are. Marks are left out, in the middle as well, where files were put
    one behind the other.

    Args:
        path: The file.

    Returns:
        The text.

    Raises:
        OSError: If there is no such file, it is a folder, or it cannot be read.
        ValueError: If it holds no text, or in another encoding.
    """
    file = Path(path)
    if file.is_dir():
        msg = f"'{file}' is a folder, not a file."
        raise IsADirectoryError(msg)
    data = file.read_bytes()
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    encoding = _MARKS[mark] if mark else _find_encoding(data)
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        at = len(mark) + error.start
        name = encoding[:6].rstrip("-").upper()
        reason = f"it begins as {name} does, but is wrong" if mark else f"it is not in {name}"
        msg = (
            f"'{file}' cannot be read as text: {reason} at byte {at + 1:,}"
            f"{_name_line(data, at, encoding)}: {_MEND}"
        )
        raise ValueError(msg) from error
    if "\0" in text:
        at = len(mark) + len(text[: text.index("\0")].encode(encoding))
        where = f"byte {at + 1:,}{_name_line(data, at, encoding)}"
        msg = f"'{file}' is no text file, as {where} is zero. If it is one: {_MEND}"
        raise ValueError(msg)
    return without_marks(text)


def without_marks(text: str) -> str:
    """Return a text without the marks that tell how the bytes of a file are to be read."""
    return text.replace("\ufeff", "")


def _find_encoding(data: bytes) -> str:
    """Return the encoding of a text without a mark."""
    for encoding, high in (("utf-16-le", data[1::2]), ("utf-16-be", data[::2])):
        # zeros are the high bytes of plain characters, white space among them
        if len(data) % 2 == 0 and 0 < data.count(0) == high.count(0):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            if _READABLE.search(text) and all(c.isprintable() or c.isspace() for c in text):
                return encoding
    return "utf-8"


def _name_line(data: bytes, at: int, encoding: str) -> str:
    """Say in which line of a file a byte stands, where that can be counted in bytes."""
    return f" (in line {data.count(b'\n', 0, at) + 1:,})" if encoding == "utf-8" else ""
