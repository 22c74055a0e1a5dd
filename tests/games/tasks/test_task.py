"""Tests of what all tasks have in common."""

from __future__ import annotations

from typing import Any

import pytest

from shapiq_spex.games import Classification, MultipleChoice, Perplexity, Question

TASK = Classification([f"text {i}" for i in range(10)], list(range(10)))


def test_splitting() -> None:
    """Every example is on one side, with its class, and the same ones with the same seed."""
    first, second = TASK.split(0.3, random_state=1)
    assert (len(first), len(second)) == (7, 3)
    assert sorted([*first.y, *second.y]) == list(range(10))
    assert all(
        text == f"text {label}"
        for part in (first, second)
        for text, label in zip(part.texts, part.y, strict=True)
    )
    assert TASK.split(3, random_state=1) == (first, second)
    assert TASK.split(3, random_state=2) != (first, second)


@pytest.mark.parametrize("test", [0, 10, 0.0, 0.99, -1])
def test_both_sides_have_examples(test: float) -> None:
    """A split that leaves nothing is refused."""
    with pytest.raises(ValueError, match="on both sides"):
        TASK.split(test)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Classification([], []), "There must be examples"),
        (lambda: Classification(["a"], [0, 1]), "1 texts, 2 y"),
        (lambda: Classification(["a"], [0], value="likely"), "value must be one of"),
        (lambda: Classification(["a"], [0], template="no place"), "in one place"),
        (lambda: Classification("text", [0] * 4), "put it into a list"),
        (lambda: Classification(["a", None], [0, 1]), "one of them is None"),
        (lambda: Classification(["a"], [0], words=" positive"), "put it into a list"),
        (lambda: Classification(["a"], [0], words=(" a",)), "two different ones"),
        (lambda: Classification(["a"], [0], words=(" a", " a")), "two different ones"),
        (lambda: Classification(["a"], [2], words=(" a", " b")), "2 in y is none of"),
        (lambda: Classification(["a"], ["c"], words=(" a", " b")), "'c' in y is none of"),
        (lambda: Perplexity("hello"), "put it into a list"),
        (lambda: MultipleChoice([{"question": "?"}]), "must be a Question, got a dict"),
        (lambda: Perplexity([]), "There must be examples"),
        (lambda: Perplexity(["a"], value="accuracy"), "value must be one of"),
        (lambda: Perplexity(["a"], max_tokens=1), "at least 2"),
        (lambda: MultipleChoice([]), "There must be examples"),
        (lambda: MultipleChoice([Question("?", ("a", "b"), 0)], answers="number"), "'letter' or"),
    ],
)
def test_parameters_are_checked(make: Any, message: str) -> None:  # noqa: ANN401 any task
    """What does not go together is refused."""
    with pytest.raises(ValueError, match=message):
        make()


def test_little_is_shown() -> None:
    """A task says how many examples it has, and not all of them."""
    assert repr(TASK) == "Classification(10 examples, value='margin')"


def test_prompts_of_questions() -> None:
    """Questions are written down as MMLU does, after the shots."""
    shot = Question("2 + 2 =", ("3", "4"), 1, "sums")
    asked = Question("1 + 2 =", ("3", "4"), 0, "small sums")
    listed = MultipleChoice([asked], shots=[shot], heading="About {subject} {s}.\n\n")
    assert listed.prompt(asked) == (
        "About small sums {s}.\n\n2 + 2 =\nA. 3\nB. 4\nAnswer: B\n\n1 + 2 =\nA. 3\nB. 4\nAnswer:"
    )
    free = MultipleChoice([asked], shots=[shot], answers="text")
    assert free.prompt(asked) == "2 + 2 =\nAnswer: 4\n\n1 + 2 =\nAnswer:"
