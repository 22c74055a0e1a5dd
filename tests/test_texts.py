"""Tests of reading text files as people's editors and shells write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shapiq_spex._texts import read_text

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "Это is nö 中文.\r\nSecond line.\n"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", ""),
        ("utf-8", "\ufeff"),
        ("utf-16-le", "\ufeff"),
        ("utf-16-be", "\ufeff"),
        ("utf-32-le", "\ufeff"),
        ("utf-32-be", "\ufeff"),
        ("utf-16-le", ""),
        ("utf-16-be", ""),
    ],
)
def test_what_editors_write(tmp_path: Path, encoding: str, mark: str) -> None:
    """The text comes back without marks, and with the ends of its lines."""
    file = tmp_path / "a.txt"
    text = TEXT if mark or encoding == "utf-8" else "Plain words.\r\n中文 яблок.\n"
    file.write_bytes((mark + text).encode(encoding))
    assert read_text(file) == text


def test_marks_in_the_middle(tmp_path: Path) -> None:
    """Files put one behind the other leave no marks between words."""
    (tmp_path / "a.txt").write_bytes("one".encode("utf-8-sig") + " two".encode("utf-8-sig"))
    assert read_text(tmp_path / "a.txt") == "one two"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("line\nCafé".encode("latin-1"), r"not in UTF-8 at byte 9 \(in line 2\): save it as UTF-8"),
        ("中文。".encode("utf-16-be"), "not in UTF-8"),
        ("\ufeffabc".encode("utf-16-le")[:-1], "wrong at byte 7: save it as UTF-8"),
        (b"GGUF\x03\0\0\0\x01\n\x02\0", r"no text file, as byte 6 \(in line 1\) is zero"),
        ("一一".encode("utf-16-be"), "is zero"),  # which might be letters N in the other order
        ("\ufeffab\0c".encode("utf-16-le"), "byte 7 is zero"),
    ],
)
def test_anything_else(tmp_path: Path, data: bytes, message: str) -> None:
    """The error names the file, the place and the mend; nothing is guessed."""
    file = tmp_path / "odd.txt"
    file.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        read_text(file)
    assert str(file) in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    """Folders and missing files are told apart."""
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_text(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"none\.txt"):
        read_text(tmp_path / "none.txt")
