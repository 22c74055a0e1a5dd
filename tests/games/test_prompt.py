"""Tests of prompts as games, with a real language model and with functions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import shapiq
from hypothesis import given
from hypothesis import strategies as st

import shapiq_spex
from shapiq_spex.games import Continuation, Labels, LlamaCpp, PromptGame

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = (
    "Review: a dull and lifeless film\nSentiment: negative\n\n"
    "Review: a joy to watch from start to finish\nSentiment: positive\n\n"
    "Review: {text}\nSentiment:"
)
SENTIMENT = Labels("positive", "negative")


def lengths(texts: list[str]) -> list[int]:
    """Stand in for a model."""
    return [len(text) for text in texts]


@given(
    words=st.lists(st.from_regex(r"\A[a-z.,!]{1,6}\Z"), min_size=1, max_size=10),
    present=st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_removal(words: list[str], present: list[bool]) -> None:
    """What is left reads as if the absent words had never been there."""
    game = PromptGame("<{text}>", text=" ".join(words), model=lengths)
    kept = [word for word, here in zip(words, present, strict=False) if here]
    assert game.prompt(present[: len(words)]) == f"<{' '.join(kept)}>"
    assert game.prompt([True] * len(words)) == f"<{' '.join(words)}>"


def test_one_part_explains_nothing() -> None:
    """A text that ends up as one player is named, before anything is paid for."""
    with pytest.warns(UserWarning, match="one part alone"):
        PromptGame(text="Whatever the model is told", model=lengths, segment="line")


def test_marks_of_files_are_no_words() -> None:
    """Byte order marks change neither the prompt nor what is kept of it."""
    plain = PromptGame("Say: {text}", text="a b", model=lengths)
    chat = [{"role": "user", "content": "\ufeffSay: {text}"}]
    assert PromptGame(chat, text=["\ufeffa", " b"], model=lengths).prompt([True, True]) == [
        {"role": "user", "content": "Say: a b"}
    ]
    marked = PromptGame("\ufeffSay: {text}", text="\ufeffa \ufeffb", model=lengths)
    assert marked.fingerprint == plain.fingerprint


def test_blank_parts_have_names(llm: LlamaCpp) -> None:
    """Tokens of white space alone are named in lists, tables and pages as Python writes them."""
    game = PromptGame(text="Hi\n\n\nthere   you", model=llm, target=SENTIMENT, segment="token")
    names = {name for name in game.player_names if name.startswith("'")}
    assert names >= {r"'\n'", "'  '"}
    assert all(name.strip() for name in game.player_names)
    explanation = shapiq_spex.ProxySPEX(game.n_players, 2, "FBII", random_state=0).approximate(
        1 << game.n_players, game
    )
    assert any("('  '): " in line for line in game.top(explanation, 100))
    assert ("'  '",) in set(game.to_dataframe(explanation)["parts"])
    assert "<td>&#x27;  &#x27;</td>" in game.to_html(explanation, count=100)


@pytest.mark.parametrize(
    ("text", "options", "present", "expected"),
    [
        ("It never fails.", {"mask": "[UNK]"}, [1, 0, 1], "It [UNK] fails."),
        ("It never fails.", {"mask": lambda part: "_" * len(part)}, [1, 0, 0], "It _____ ______"),
        ("It never fails.", {"mask": "_", "keep_length": True}, [1, 0, 0], "It _____ ______"),
        ("It never", {"mask": "<>", "keep_length": True}, [0, 0], "<> <><><"),
        ("a\nb\nc", {"segment": "line"}, [1, 0, 1], "a\nc"),
        ("a\nb\nc", {"segment": "word"}, [1, 0, 1], "a\n\nc"),
        ("a b\nc d", {"segment": "word"}, [1, 1, 0, 1], "a b\nd"),
        ("a b\r\nc d\r\n", {"segment": "word"}, [1, 0, 1, 0], "a\r\nc\r\n"),
        ("if x:\n    y\n    z", {"segment": "line"}, [0, 1, 1], "    y\n    z"),
        ("def f():\n    return 1", {"segment": "word"}, [0, 0, 1, 1], "\n    return 1"),
        (["One.", " Two."], {}, [0, 1], "Two."),
        ("a b\n\nc", {"segment": "paragraph"}, [0, 1], "c"),
        ("Of one. Of two.\n\nLast.", {"segment": "sentence"}, [1, 0, 1], "Of one. \n\nLast."),
        (["One.\n", "Two.\n", "Three."], {}, [1, 0, 1], "One.\nThree."),
        ("One here. Two there.", {"segment": "sentence"}, [0, 1], "Two there."),
        (["First. ", "Second. ", "Third."], {}, [1, 0, 1], "First. Third."),
        ("{a} {b}", {}, [1, 1], "{a} {b}"),
        ("  indented", {"segment": "line"}, [1], "  indented"),
    ],
)
def test_masking(text: Any, options: dict[str, Any], present: list[int], expected: str) -> None:  # noqa: ANN401
    """Absent parts are removed or replaced, and nothing else changes."""
    assert PromptGame(text=text, model=lengths, **options).prompt(present) == expected


def test_functions_as_models() -> None:
    """A function from prompts to numbers, or to vectors with a target, is a model."""
    game = PromptGame("{text}!", text="a bb ccc", model=lengths)
    assert isinstance(game, shapiq.Game)
    assert game(np.array([[1, 1, 1], [0, 0, 0], [0, 1, 0]])).tolist() == [9.0, 1.0, 3.0]
    options = {"text": "a bb", "model": lambda texts: [[len(t), 1.0] for t in texts]}
    with pytest.raises(ValueError, match="2 numbers per prompt: pass a target"):
        PromptGame(**options)(np.ones((1, 2), dtype=bool))
    difference = PromptGame(**options, target=lambda outputs: outputs[:, 0] - outputs[:, 1])
    assert difference(np.ones((1, 2), dtype=bool)).tolist() == [3.0]


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"template": "no place"}, ValueError, "must contain {text} once, got 0"),
        ({"template": "{text} {text}"}, ValueError, "got 2 times"),
        ({"text": "  "}, ValueError, "empty"),
        ({"text": ["a", "", "b"]}, ValueError, "one of them is empty"),
        ({"keep_length": True}, ValueError, "needs a mask of characters"),
        ({"model": 3}, TypeError, "language model or a function"),
        ({"model": "a.gguf", "target": SENTIMENT}, TypeError, r"as LlamaCpp\('a.gguf'\)"),
        ({"target": 3}, TypeError, "or a function, got 3"),
    ],
)
def test_bad_arguments(options: dict[str, Any], error: type[Exception], reason: str) -> None:
    """Mistakes are named before a model is asked."""
    with pytest.raises(error, match=reason):
        PromptGame(**{"text": "a b", "model": lengths, **options})


def test_models_that_return_something_else() -> None:
    """What a user's model returns is checked where it is returned."""

    class Flat:
        fingerprint = "flat"

        def log_probabilities(self, prompts: list[str], continuations: list[str]) -> np.ndarray:
            return np.zeros(len(prompts) + len(continuations))

    ones = np.ones((1, 2), dtype=bool)
    with pytest.raises(ValueError, match=r"must return an array of shape \(1, 2\)"):
        PromptGame(text="a b", model=Flat(), target=SENTIMENT)(ones)
    with pytest.raises(ValueError, match="for each of 1 prompts, got the shape"):
        PromptGame(text="a b", model=lambda _: 1.0)(ones)


def test_two_spaces_in_a_row(llm: LlamaCpp) -> None:
    """A prompt that ends in a space, before labels that begin with one, is warned of."""
    with pytest.warns(UserWarning, match="ends in a space and the answer begins with one"):
        PromptGame("{text} ", text="a b", model=llm, target=SENTIMENT)


def test_a_language_model_needs_a_target(llm: LlamaCpp) -> None:
    """What of its answer is to be explained must be said."""
    with pytest.raises(TypeError, match="needs a target, as Labels"):
        PromptGame(text="a b", model=llm)


def test_fingerprints(llm: LlamaCpp) -> None:
    """All that changes an answer counts; which label is the positive one does not."""

    def of(**options: Any) -> str:  # noqa: ANN401
        game = PromptGame(**{"text": "ab c", "model": llm, "target": SENTIMENT, **options})
        return shapiq_spex.ablations._fingerprint.Identifier(game).fingerprint()

    assert of() == of(target=Labels("negative", "positive"))
    others: list[dict[str, Any]] = [
        {"text": "ab d"},
        {"template": "{text}!"},
        {"template": "!{text}"},
        {"segment": "character"},
        {"mask": "_"},
        {"target": Labels("positive", "neutral")},
        {"target": Continuation(" Paris")},
        {"model": lengths, "target": None},
        {"model": lambda texts: [2 * len(t) for t in texts], "target": None},
    ]
    assert len({of(), *(of(**options) for options in others)}) == 1 + len(others)


def test_a_double_negative(llm: LlamaCpp, tmp_path: Path) -> None:
    """What "never" and "fails" do together is found in a real model, and kept."""
    game = PromptGame(
        EXAMPLES, text="This film never fails to impress.", model=llm, target=SENTIMENT
    )
    stored = shapiq_spex.StoredGame(game, tmp_path / "a.sqlite")
    approximator = shapiq_spex.ProxySPEX(game.n_players, 3, "FBII", random_state=0)
    explanation = approximator.approximate(budget=64, game=stored)
    together = explanation[(2, 3)]
    assert together > 1
    assert f"(never, fails): {together:+.2f}" in game.top(explanation, 3)
    other = PromptGame(
        EXAMPLES,
        text="This film never fails to impress.",
        model=llm,
        target=Labels("negative", "positive"),
    )
    again = shapiq_spex.StoredGame(other, tmp_path / "a.sqlite")
    masks, values = stored.ablations()
    assert again(masks) == pytest.approx(-values, rel=0, abs=1e-12)
    assert again.record.evaluated == 0


def test_the_documents_that_matter(llm: LlamaCpp) -> None:
    """Of several documents, the one with the answer counts most."""
    documents = [
        "The library opens at nine. ",
        "The code of the safe is 4711. ",
        "Lunch is served at noon. ",
        "The garden has three ponds.",
    ]
    game = PromptGame(
        "{text}\nQuestion: What is the code of the safe?\nAnswer: The code of the safe is",
        text=documents,
        model=llm,
        target=Continuation(" 4711"),
    )
    explanation = shapiq_spex.ProxySPEX(4, 1, "BV").approximate(16, game)
    values = [explanation[(player,)] for player in range(4)]
    assert int(np.argmax(values)) == 1
    assert values[1] > 3 * max(abs(value) for value in np.delete(values, 1))


def test_estimate() -> None:
    """The price is found by a few calls, and grows with the budget up to all masks."""
    asked = []

    def model(texts: list[str]) -> list[int]:
        asked.append(len(texts))
        time.sleep(0.01 * len(texts))
        return lengths(texts)

    game = PromptGame("Say: {text}", text="one two three four five six", model=model)
    found = game.estimate(1000)
    assert sum(asked) == 6
    assert found.calls == 64
    assert 0.64 <= found.seconds < 5
    assert 64 * len("Say: ") < found.characters < 64 * len("Say: one two three four five six")
    assert "64 prompts of together" in str(found)


@pytest.mark.parametrize("options", [{"budget": 0}, {"budget": 9, "probes": 0}])
def test_estimates_of_nothing(options: dict[str, int]) -> None:
    """A budget and a number of probes below 1 are refused."""
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        PromptGame(text="a b", model=lengths).estimate(**options)


def test_tokens_of_an_estimate(llm: LlamaCpp) -> None:
    """A model that counts its tokens says how many a run will take."""
    game = PromptGame("{text}:", text="one two three four", model=llm, target=SENTIMENT)
    found = game.estimate(16)
    assert found.tokens is not None
    assert 16 * 2 < found.tokens < 16 * 14
    assert f"and {found.tokens:,} tokens, about" in str(found)
    before = game.tokens_used
    masks = np.ones((4, 4), dtype=bool)
    expected = game.estimate_tokens(masks)
    game(masks)
    assert game.tokens_used - before == pytest.approx(expected.sum(), rel=0.5)


def test_tokens_before_any_were_counted() -> None:
    """At first a character may be a token; a model that does not count uses none."""
    game = PromptGame("{text}!", text="a bb", model=lengths)
    assert game.estimate_tokens(np.array([[1, 1], [0, 1]], dtype=bool)).tolist() == [5.0, 3.0]
    game(np.ones((1, 2), dtype=bool))
    assert game.tokens_used == len("a bb!")
    assert game.estimate_tokens(np.ones((1, 2), dtype=bool)).tolist() == [5.0]


def test_each_answer_of_an_endpoint_is_kept_at_once() -> None:
    """Where a model takes several prompts at the same time, a store asks for them one by one."""

    class Parallel:
        concurrency = 4
        fingerprint = "parallel"

        def __call__(self, texts: list[str]) -> list[int]:
            return lengths(texts)

    game = PromptGame(text="a b", model=Parallel())
    assert (game.batch_size, game.concurrency) == (1, 4)
    assert PromptGame(text="a b", model=Parallel(), batch_size=3).batch_size == 3
    assert PromptGame(text="a b", model=lengths).batch_size == 16


def test_tables_and_plots() -> None:
    """All interactions as a table, and shapiq's plots with the words as names, also equal ones."""
    mpl.use("Agg")
    game = PromptGame(
        text="the trolley hits the trolley", model=lambda texts: [t.count("t") ** 2 for t in texts]
    )
    explanation = shapiq_spex.ProxySPEX(5, 2, "k-SII").approximate(32, game)
    table = game.to_dataframe(explanation)
    assert list(table.columns) == ["parts", "players", "order", "value"]
    assert table["value"].abs().is_monotonic_decreasing
    row = table[[players == (1, 4) for players in table["players"]]].iloc[0]
    assert row["parts"] == ("trolley#1", "trolley#2")
    assert any(line.startswith("(trolley#1, trolley#2): ") for line in game.top(explanation, 20))
    assert row["value"] == pytest.approx(explanation[(1, 4)], rel=1e-12)
    figure, axes = explanation.plot_network(feature_names=game.player_names, show=False)
    assert [text.get_text() for text in axes.texts][:5] == game.player_names
    plt.close(figure)
    for plot in (explanation.plot_upset, explanation.plot_force, explanation.plot_waterfall):
        assert plot(feature_names=np.array(game.player_names), show=False) is not None
        plt.close("all")


def test_interventions(llm: LlamaCpp) -> None:
    """Removing words changes the value as an exact spectrum predicts; replacing is what it is."""
    game = PromptGame(
        EXAMPLES, text="This film never fails to impress.", model=llm, target=SENTIMENT
    )
    approximator = shapiq_spex.ProxySPEX(game.n_players, 2, "FBII", random_state=0)
    approximator.approximate(budget=64, game=game)
    removed, single = game.intervene(approximator.spectrum, (2, 3))
    assert removed.words == ("never", "fails")
    assert removed.prompt.endswith("Review: This film to impress.\nSentiment:")
    assert removed.change == pytest.approx(removed.predicted, rel=0, abs=1e-6)
    assert single.change == pytest.approx(single.predicted, rel=0, abs=1e-6)
    assert len(single.words) == 2
    assert str(removed).startswith(f"(never, fails): {removed.change:+.2f}, predicted without")
    swapped, _ = game.intervene(approximator.spectrum, (2, 3), {2: "always", 3: "manages"})
    assert swapped.prompt.endswith("Review: This film always manages to impress.\nSentiment:")
    assert str(swapped).startswith("(never, fails) as (always, manages): ")
    assert swapped.predicted == removed.predicted
    assert swapped.change != removed.change


def test_an_empty_replacement() -> None:
    """A word replaced by nothing is gone, and no other text counts for it."""
    game = PromptGame("<{text}>", text="a bb ccc", model=lengths, mask="[MASK]")
    approximator = shapiq_spex.ProxySPEX(3)
    approximator.approximate(8, game)
    gone, single = game.intervene(approximator.spectrum, (1,), {1: ""})
    assert gone.prompt == "<a  ccc>"
    assert gone.change == -2.0
    assert single.prompt.count("[MASK]") == 1


@pytest.mark.parametrize(
    ("players", "replacements"),
    [((), {}), ((0, 0), {}), ((2,), {}), (("a",), {}), ((0,), {5: "x"}), ((0,), {1: "x"})],
)
def test_bad_interventions(players: tuple[int, ...], replacements: dict[int, str]) -> None:
    """Positions that are none are refused."""
    game = PromptGame(text="a b", model=lengths)
    approximator = shapiq_spex.ProxySPEX(2)
    approximator.approximate(4, game)
    with pytest.raises(ValueError, match=r"positions below 2|for some of the players \(0,\)"):
        game.intervene(approximator.spectrum, players, replacements)
