"""Questions in the formats of MMLU (Hendrycks et al., 2021)."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapiq_spex._texts import read_text

from .multiple_choice import Question

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

_LETTERS = "ABCDEFGHIJ"
_COLUMNS = 6  # question, four choices, answer
_SPLIT = re.compile(r"_(dev|val|test)$")
# as lm-eval keeps examples with their reasoning
_WRITTEN = re.compile(
    r"Q:\s*(?P<text>.*?)\n\(A\)(?P<choices>.*?)\nA:.*?answer is \((?P<answer>[A-J])\)", re.DOTALL
)
_LISTED = re.compile(r"\s*\([A-J]\)\s*")


def load_mmlu(path: str | os.PathLike[str], subject: str | None = None) -> list[Question]:
    """Load questions of MMLU, or in its formats.

    Args:
        path: A CSV file, of six columns without a heading: the question, four choices and the
            letter of the right one; a JSON file, of lists of records with ``question``,
            ``choices`` and ``answer`` (its position or letter), as of the hub's datasets, or of
            lm-eval's examples with reasoning, by subject; JSON lines; or a folder of such files.
        subject: Only questions about it, as ``"high_school_us_history"``; by default all.

    Returns:
        The questions, in the order of the files.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If a file has another format, or there are no such questions.
    """
    source = Path(path)
    if source.is_dir():
        files = sorted(p for p in source.rglob("*") if p.suffix in _READERS)
    else:
        files = [source]
    found = [question for file in files for question in _read(file)]
    subjects = sorted({question.subject for question in found})
    if subject is not None:
        wanted = subject.replace("_", " ")
        found = [question for question in found if question.subject == wanted]
    if not found:
        about = f" about {subject!r}; there are {', '.join(subjects)}" if subjects else ""
        msg = f"{source} has no questions{about}."
        raise ValueError(msg)
    return found


def _read(file: Path) -> Iterator[Question]:
    """Read a file.

    Raises:
        ValueError: If it has another format.
    """
    reader = _READERS.get(file.suffix)
    if reader is None:
        msg = f"{file} is none of the formats {', '.join(_READERS)}."
        raise ValueError(msg)
    try:
        yield from reader(file, _SPLIT.sub("", file.stem).replace("_", " "))
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        msg = f"{file} is not in a format of MMLU: {error!r}."
        raise ValueError(msg) from error


def _read_csv(file: Path, subject: str) -> Iterator[Question]:
    lines = io.StringIO(read_text(file), newline="")
    for number, row in enumerate(csv.reader(lines), start=1):
        if len(row) != _COLUMNS or row[-1].strip() not in set(_LETTERS[: _COLUMNS - 2]):
            msg = (
                f"Line {number} of {file} is not a question, four choices and the letter of "
                "the right one."
            )
            raise ValueError(msg)
        yield Question(row[0], tuple(row[1:-1]), _LETTERS.index(row[-1].strip()), subject)


def _read_json(file: Path, subject: str) -> Iterator[Question]:
    yield from _from_json(json.loads(read_text(file)), subject)


def _read_json_lines(file: Path, subject: str) -> Iterator[Question]:
    # not by splitlines, as texts may have other ends of lines in them
    for line in io.StringIO(read_text(file), newline=None):
        if line.strip():
            yield from _from_json(json.loads(line), subject)


def _from_json(content: Any, subject: str) -> Iterator[Question]:  # noqa: ANN401 what a file has
    """Read questions from a list of them, one question, or a text or list for each subject."""
    if isinstance(content, str):
        yield from _from_text(content, subject)
    elif isinstance(content, list):
        for part in content:
            yield from _from_json(part, subject)
    elif "question" in content:
        yield _from_record(content, subject)
    else:
        for name, part in content.items():
            yield from _from_json(part, name.replace("_", " "))


def _from_record(record: dict[str, Any], subject: str) -> Question:
    about = str(record.get("subject") or subject).replace("_", " ")
    answer = record["answer"]
    # a list, since a text has the empty one in it
    place = [*_LETTERS].index(answer.strip()) if isinstance(answer, str) else int(answer)
    return Question(record["question"], tuple(record["choices"]), place, about)


def _from_text(text: str, subject: str) -> Iterator[Question]:
    """Read examples that are written down one after the other, with their reasoning."""
    for part in re.split(r"\n\n(?=Q:)", text):
        if found := _WRITTEN.search(part):
            choices = tuple(choice.strip() for choice in _LISTED.split(found["choices"]))
            yield Question(found["text"].strip(), choices, _LETTERS.index(found["answer"]), subject)


_READERS = {".csv": _read_csv, ".json": _read_json, ".jsonl": _read_json_lines}
