"""Tests of questions in the formats of MMLU."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shapiq_spex.games import Question, load_mmlu

if TYPE_CHECKING:
    from pathlib import Path

SUM = Question("2 + 2 =", ("3", "4", "5", "6"), 1, "mathematics")
WRITTEN = """The following are multiple choice questions (with answers) about sums.

Q: 2 + 2 =
Think twice.
(A) 3 (B) 4 (C) 5 (D) 6
A: Let's think step by step. Two and two make four. The answer is (B).

Q: Which is
even?
(A) 3 (B) 5 (C) 7, or 9 (D) 8
A: Let's think step by step.

Eight is even. The answer is (D).
"""


def test_csv(tmp_path: Path) -> None:
    """A CSV file as published: no heading, subject and part in its name."""
    text = '"What, then,\nis it?",one,two,three,"four, too",D\n2 + 2 =,3,4,5,6,B\n'
    (tmp_path / "high_school_us_history_test.csv").write_text(text)
    first, second = load_mmlu(tmp_path / "high_school_us_history_test.csv")
    assert first == Question(
        "What, then,\nis it?", ("one", "two", "three", "four, too"), 3, "high school us history"
    )
    assert second.answer == 1


def test_as_windows_writes_it(tmp_path: Path) -> None:
    """Marks at the beginning and UTF-16 change no question, nor does an odd end of a line in it."""
    (tmp_path / "a.csv").write_bytes("2 + 2 =,3,4,5,6,B\r\n".encode("utf-16"))
    record = {"question": "a\u2028b", "choices": ["x", "y"], "answer": 0}
    line = json.dumps(record, ensure_ascii=False)
    (tmp_path / "b.jsonl").write_bytes(f"{line}\r\n{line}\r\n".encode("utf-8-sig"))
    one, *others = load_mmlu(tmp_path)
    assert (one.text, one.answer) == ("2 + 2 =", 1)
    assert [each.text for each in others] == ["a\u2028b"] * 2


@pytest.mark.parametrize("answer", [1, "B"])
def test_records(tmp_path: Path, answer: object) -> None:
    """JSON and JSON lines, with answers by position or letter."""
    record = {"question": SUM.text, "choices": SUM.choices, "answer": answer} | {
        "subject": "mathematics"
    }
    (tmp_path / "a.json").write_text(json.dumps([record, record]))
    (tmp_path / "b.jsonl").write_text(json.dumps(record) + "\n\n" + json.dumps(record) + "\n")
    (tmp_path / "c.json").write_text(json.dumps({"mathematics": [record]}))
    (tmp_path / "other.txt").write_text("not looked at")
    assert load_mmlu(tmp_path) == [SUM] * 5


def test_examples_with_reasoning(tmp_path: Path) -> None:
    """Lm-eval's file: a text for each subject."""
    file = tmp_path / "_cot_prompts.json"
    file.write_text(json.dumps({"easy_sums": WRITTEN, "other": WRITTEN}))
    questions = load_mmlu(file, "easy_sums")
    assert questions == [
        Question("2 + 2 =\nThink twice.", ("3", "4", "5", "6"), 1, "easy sums"),
        Question("Which is\neven?", ("3", "5", "7, or 9", "8"), 3, "easy sums"),
    ]
    assert len(load_mmlu(file)) == 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "2 + 2 =,3,4,5,6,B\n2 + 2 =,3,4,B\n", "Line 2 of"),
        ("a.csv", "2 + 2 =,3,4,5,6,E\n", "Line 1 of"),
        ("a.json", "[", "not in a format of MMLU"),
        ("a.json", '[{"question": "?", "choices": ["a", "b"]}]', "not in a format of MMLU"),
        ("a.json", '[{"question": "?", "choices": ["a"], "answer": 0}]', "2 to 26 choices"),
        ("a.json", '[{"question": "?", "choices": ["a", "b"], "answer": ""}]', "not in list"),
        ("a.txt", "", "none of the formats"),
        ("a.csv", "", "has no questions"),
    ],
)
def test_other_files(tmp_path: Path, name: str, content: str, message: str) -> None:
    """A file of another kind is refused, and named."""
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        load_mmlu(tmp_path / name)


def test_a_subject_that_is_not_there(tmp_path: Path) -> None:
    """The subjects that there are, are named."""
    (tmp_path / "easy_sums_dev.csv").write_text("2 + 2 =,3,4,5,6,B\n")
    with pytest.raises(ValueError, match="'hard_sums'; there are easy sums"):
        load_mmlu(tmp_path, "hard_sums")
    with pytest.raises(FileNotFoundError):
        load_mmlu(tmp_path / "missing.csv")


@pytest.mark.parametrize(("choices", "answer"), [(("a",), 0), (("a", "b"), 2), (("a", "b"), -1)])
def test_questions_are_checked(choices: Any, answer: int) -> None:  # noqa: ANN401 as given
    """A question has several answers, one of them right."""
    with pytest.raises(ValueError, match="choices"):
        Question("?", choices, answer)
