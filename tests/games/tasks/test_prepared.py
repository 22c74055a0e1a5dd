"""Tests of tasks as a model sees them, beside what the model says by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from shapiq_spex.games import (
    Classification,
    HeadAblationGame,
    MultipleChoice,
    Perplexity,
    Probe,
    Question,
    fit_probe,
)

if TYPE_CHECKING:
    from collections.abc import Callable

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.torch

TEXTS = ["this film is good", "a dull film", "never fails", "that is a dull : bad : film"]
QUESTIONS = [
    Question("is this good", ("never", "a film", "good : that is it"), 1),
    Question("this film is dull : bad", ("b", "c c"), 0),
]


def value(model: Any, task: Any, tokenizer: Any) -> float:  # noqa: ANN401 transformers is untyped here
    """Return the value of the whole model."""
    game = HeadAblationGame(model, task, tokenizer=tokenizer)
    return float(game(np.ones((1, game.n_players), dtype=bool))[0])


def follow(model: Any, tokenizer: Any, prompt: str, answer: str) -> np.ndarray:  # noqa: ANN401 as above
    """Return the log-probability of each token of an answer."""
    before = tokenizer(prompt)["input_ids"]
    tokens = tokenizer(answer)["input_ids"]
    with torch.no_grad():
        logits = model(torch.tensor([before + tokens])).logits[0].log_softmax(-1).numpy()
    return np.array([logits[len(before) - 1 + i, token] for i, token in enumerate(tokens)])


def margin(scores: list[list[float]], right: list[int]) -> float:
    """Return the mean distance of the right one from the highest other one."""
    return float(
        np.mean(
            [
                row[place] - max(s for other, s in enumerate(row) if other != place)
                for row, place in zip(scores, right, strict=True)
            ]
        )
    )


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma"])
@pytest.mark.parametrize("per_token", [False, True])
def test_answers_as_texts(
    make_model: Callable[[str], Any],
    tokenizer: Any,  # noqa: ANN401 as above
    name: str,
    per_token: bool,  # noqa: FBT001 a parameter
) -> None:
    """The log-likelihoods of answers of any length, and their means over tokens."""
    model = make_model(name)
    task = MultipleChoice(QUESTIONS, answers="text", per_token=per_token)
    read = np.mean if per_token else np.sum
    scores = [
        [
            float(read(follow(model, tokenizer, task.prompt(question), f" {choice}")))
            for choice in question.choices
        ]
        for question in QUESTIONS
    ]
    assert value(model, task, tokenizer) == pytest.approx(margin(scores, [1, 0]), abs=1e-5)


def test_words_for_classes(make_model: Callable[[str], Any], tokenizer: Any) -> None:  # noqa: ANN401 as above
    """What a language model says for each class, after a template."""
    model = make_model("llama")
    words = (" negative", " positive", " never fails")
    y = [" positive", " negative", "never fails", "negative"]
    task = Classification(TEXTS, y, words=words, template="film : {text} :")
    scores = [
        [float(follow(model, tokenizer, f"film : {text} :", word).sum()) for word in words]
        for text in TEXTS
    ]
    assert value(model, task, tokenizer) == pytest.approx(margin(scores, [1, 0, 2, 0]), abs=1e-5)


@pytest.mark.parametrize("labels", [["LABEL_2", "LABEL_0", "LABEL_1", "LABEL_0"], [2, 0, 1, 0]])
def test_a_classifier(make_model: Callable[[str], Any], tokenizer: Any, labels: list[Any]) -> None:  # noqa: ANN401 as above
    """A classifier's own logits, with classes by name or by position."""
    model = make_model("bert-classifier")
    with torch.no_grad():
        scores = [
            model(torch.tensor([tokenizer(t)["input_ids"]])).logits[0].tolist() for t in TEXTS
        ]
    task = Classification(TEXTS, labels)
    assert value(model, task, tokenizer) == pytest.approx(margin(scores, [2, 0, 1, 0]), abs=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "first", "last"])
def test_a_probe(make_model: Callable[[str], Any], tokenizer: Any, pooling: Any) -> None:  # noqa: ANN401 as above
    """A probe says what scikit-learn's classifier says of the model's features."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 slow to import

    model = make_model("bert").train()
    y = ["good", "bad", "good", "bad"]
    probe = fit_probe(model, TEXTS, y, tokenizer=tokenizer, pooling=pooling)
    assert model.training
    model.eval()
    features = []
    for text in TEXTS:
        with torch.no_grad():
            said = model(torch.tensor([tokenizer(text)["input_ids"]])).last_hidden_state[0]
        chosen = {"mean": said.mean(dim=0), "first": said[0], "last": said[-1]}
        features.append(chosen[pooling].double().numpy())
    fitted = LogisticRegression(max_iter=1000).fit(np.array(features), y)
    odds = fitted.decision_function(np.array(features)) * np.array([1, -1, 1, -1])
    task = Classification(TEXTS, y, probe=probe)
    assert value(model, task, tokenizer) == pytest.approx(odds.mean(), abs=1e-4)


def test_a_probe_of_three_classes(make_model: Callable[[str], Any], tokenizer: Any) -> None:  # noqa: ANN401 as above
    """With more classes, each has its row."""
    probe = fit_probe(make_model("bert"), TEXTS, [3, 1, 2, 1], tokenizer=tokenizer)
    assert probe.classes == (1, 2, 3)
    assert probe.weights.shape == (3, 32)
    assert probe.bias.shape == (3,)


@pytest.mark.parametrize("max_tokens", [512, 3])
def test_perplexity(make_model: Callable[[str], Any], tokenizer: Any, max_tokens: int) -> None:  # noqa: ANN401 as above
    """The mean log-likelihood of all tokens but the first of each piece."""
    model = make_model("gpt2")
    said = []
    for text in TEXTS:
        tokens = tokenizer(text)["input_ids"]
        for start in range(0, len(tokens), max_tokens):
            piece = tokens[start : start + max_tokens]
            with torch.no_grad():
                logits = model(torch.tensor([piece])).logits[0].log_softmax(-1)
            said += [float(logits[i, token]) for i, token in enumerate(piece[1:])]
    task = Perplexity(TEXTS, max_tokens=max_tokens)
    assert value(model, task, tokenizer) == pytest.approx(np.mean(said), abs=1e-5)
    as_perplexity = Perplexity(TEXTS, max_tokens=max_tokens, value="perplexity")
    assert value(model, as_perplexity, tokenizer) == pytest.approx(np.exp(-np.mean(said)), rel=1e-4)


def test_answers_that_begin_alike(make_model: Callable[[str], Any], tokenizer: Any) -> None:  # noqa: ANN401 as above
    """Tokens that all rows have in common are predicted like others."""
    model = make_model("llama")
    question = Question("this film is dull : bad is b c d", ("a film is", "a film never"), 1)
    task = MultipleChoice([question], answers="text")
    scores = [
        float(follow(model, tokenizer, task.prompt(question), f" {choice}").sum())
        for choice in question.choices
    ]
    game = HeadAblationGame(model, task, tokenizer=tokenizer)
    said = game.outputs(np.ones((1, game.n_players), dtype=bool))
    assert said[0] == pytest.approx(scores, abs=1e-5)


def test_texts_that_begin_alike(make_model: Callable[[str], Any], tokenizer: Any) -> None:  # noqa: ANN401 as above
    """Texts in which all is the same but the end are read from their beginning."""
    model = make_model("gpt2")
    texts = [f"b c d e f g h this film is {end}" for end in ("good", "dull : bad", "good")]
    alone = [value(model, Perplexity([text]), tokenizer) for text in texts]
    game = HeadAblationGame(model, Perplexity(texts), tokenizer=tokenizer)
    masks = np.ones((1, game.n_players), dtype=bool)
    assert [game.at(i)(masks)[0] for i in range(3)] == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("bert", Classification(TEXTS, [0, 1, 0, 1]), "give words"),
        ("bert", Classification(TEXTS, [0, 1, 0, 1], words=(" a", " b")), "predicts no tokens"),
        ("llama", Classification(TEXTS, [0, 1, 0, 1], words=(" a", "")), "has no tokens"),
        ("bert-classifier", Classification(TEXTS, ["x"] * 4), "'x' in y is none of"),
        ("llama", Classification(["b " * 90], [0], words=(" a", " b")), "90 tokens, and the"),
        ("gpt2", Perplexity(["good film", "good"]), "Text 1 has no token"),
        ("bert", Perplexity(TEXTS), "predicts no tokens"),
        ("bert-masked", Classification(TEXTS, [0] * 4, words=(" a", " b")), "predicts no tokens"),
        ("bert-regressor", Classification(TEXTS, [0] * 4), "has one output"),
        ("bert-classifier", Classification(["good", ""], [0, 1]), "Text 1 has no tokens"),
    ],
)
def test_what_does_not_fit(
    make_model: Callable[[str], Any],
    tokenizer: Any,  # noqa: ANN401 as above
    name: str,
    task: Any,  # noqa: ANN401 as above
    message: str,
) -> None:
    """A task that does not go with the model is refused, and says why."""
    with pytest.raises(ValueError, match=message):
        HeadAblationGame(make_model(name), task, tokenizer=tokenizer)


def test_probes_are_checked(make_model: Callable[[str], Any], tokenizer: Any) -> None:  # noqa: ANN401 as above
    """A probe needs a known pooling and a class for each text."""
    with pytest.raises(ValueError, match="pooling must be"):
        fit_probe(make_model("bert"), TEXTS, [0, 1, 0, 1], tokenizer=tokenizer, pooling="max")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="returns no features"):
        fit_probe(make_model("bert-masked"), TEXTS, [0, 1, 0, 1], tokenizer=tokenizer)
    probe = fit_probe(make_model("bert"), TEXTS, [1, 2, 1, 2], tokenizer=tokenizer)
    with pytest.raises(ValueError, match="0 in y is none of the classes 1, 2"):
        HeadAblationGame(
            make_model("bert"),
            Classification(["good", "bad"], [0, 1], probe=probe),
            tokenizer=tokenizer,
        )
    with pytest.raises(ValueError, match="one class for each"):
        fit_probe(make_model("bert"), TEXTS, [0, 1], tokenizer=tokenizer)
    with pytest.raises(ValueError, match="one class for each"):
        fit_probe(make_model("bert"), [], [], tokenizer=tokenizer)
    other = Probe((0, 1), np.zeros((2, 5)), np.zeros(2))
    assert repr(other) == "Probe(classes=(0, 1), pooling='mean')"
    task = Classification(TEXTS, [0, 1, 0, 1], probe=other)
    with pytest.raises(ValueError, match="fitted to features of size 5"):
        HeadAblationGame(make_model("bert"), task, tokenizer=tokenizer)
