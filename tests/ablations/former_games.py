"""Games whose answers were kept by the package as it was before classes had stable names.

    python former_games.py STORE

wrote them, with the package of that time, into ``former.sqlite`` beside this file: each game on
three masks. Nothing here may change, or it would be another game.
"""

from __future__ import annotations

import functools
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from shapiq_spex import StoredGame
from shapiq_spex.games import (
    Answers,
    ClassLogit,
    Continuation,
    DataSubsetGame,
    HeadAblationGame,
    HuggingFace,
    Labels,
    LlamaCpp,
    LogLoss,
    Margin,
    MultipleChoice,
    Perplexity,
    Prediction,
    PromptGame,
    Question,
    Score,
    Similarity,
    small_model,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT = "It never fails."
TEMPLATE = "Review: {text}\nSentiment:"
CHAT = [{"role": "user", "content": "Is this kind? {text}"}]
SKLEARN = "1.9.1"  # a learner of scikit-learn says which version it is of
TRANSFORMERS = "5.24.0"  # a model's settings are those of a version


class Model:
    """A model of each kind."""

    fingerprint = "model 7"
    classes = ("negative", "positive")

    def log_probabilities(self, prompts: Sequence[Any], texts: Sequence[str]) -> np.ndarray:
        """Count characters."""
        return np.array([[-float(len(str(p)) + len(t)) for t in texts] for p in prompts])

    def generate(self, prompts: Sequence[Any], max_tokens: int, seed: int = 0) -> list[str]:
        """Repeat a part."""
        del max_tokens, seed
        return [str(prompt)[3:9] for prompt in prompts]


class Classifier:
    """A classifier."""

    fingerprint = "classifier 7"
    classes = ("negative", "positive")

    def logits(self, prompts: Sequence[Any]) -> np.ndarray:
        """Count characters."""
        return np.array([[float(len(str(p))), 1.0] for p in prompts])


class Numbers:
    """A function that says what it is."""

    fingerprint = "numbers 7"

    def __call__(self, prompts: list[Any]) -> np.ndarray:
        """Count characters."""
        return np.array([float(len(str(p))) for p in prompts])


def prompt_games() -> dict[str, Any]:
    """Return games of prompts, of all targets."""
    model, options = Model(), {"text": TEXT}
    llama = LlamaCpp(small_model(), n_threads=1)
    return {
        "labels": PromptGame(TEMPLATE, model=model, target=Labels("good", "bad"), **options),
        "other label": PromptGame(TEMPLATE, model=model, target=Labels("bad", "good"), **options),
        "chat": PromptGame(CHAT, model=model, target=Labels("good", "bad"), **options),
        "continuation": PromptGame(TEMPLATE, model=model, target=Continuation(" good"), **options),
        "own answer": PromptGame(TEMPLATE, model=model, target=Continuation(), **options),
        "answers": PromptGame(TEMPLATE, model=model, target=Answers(np.strings.str_len), **options),
        "similarity": PromptGame(TEMPLATE, model=model, target=Similarity("a b"), **options),
        "class": PromptGame(model=Classifier(), target=ClassLogit("positive"), **options),
        "classes": PromptGame(model=Classifier(), target=Labels("positive", "negative"), **options),
        "function": PromptGame(TEMPLATE, model=Numbers(), mask="[MASK]", **options),
        "llama.cpp": PromptGame(TEMPLATE, model=llama, target=Labels("good", "bad"), **options),
    }


def data_games() -> dict[str, Any]:
    """Return games of training data, of several learners and all values."""
    from lightgbm import LGBMClassifier  # noqa: PLC0415 it is slow to import
    from sklearn.linear_model import LinearRegression  # noqa: PLC0415 as above
    from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415 as above
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 as above
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 as above

    X = np.arange(12.0).reshape(6, 2) % 5
    y = np.array([0, 1, 0, 1, 0, 1])
    trees = LGBMClassifier(n_estimators=5, verbosity=-1)
    learner = make_pipeline(StandardScaler(), KNeighborsClassifier(n_neighbors=1))
    found = {
        "margin": DataSubsetGame(learner, X, y, value=Margin(X, y)),
        "groups": DataSubsetGame(learner, X, y, value=Margin(X, y), groups=[0, 0, 1, 1, 2, 2]),
        "regression": DataSubsetGame(LinearRegression(), X, y * 0.5, value=Prediction(X)),
        "trees": DataSubsetGame(trees, X, y, value=Margin(X, y)),
    }
    margin = found["margin"]
    return found | {
        "one point": margin.at(2),
        "log loss": margin.with_value(LogLoss(X, y)),
        "score": margin.with_value(Score("accuracy", X, y)),
    }


def other_games() -> dict[str, Any]:
    """Return games that are read, and one that says what it is."""
    total = functools.partial(np.sum, axis=1)
    return {"partial": total, "given": total}


def head_games() -> dict[str, Any]:
    """Return games of heads, of the tasks that need no tokenizer's files, and prompts by torch."""
    import torch  # noqa: PLC0415 an extra
    from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415 as above
    from transformers import (  # noqa: PLC0415 as above
        GPT2Config,
        GPT2LMHeadModel,
        PreTrainedTokenizerFast,
    )

    words = ["[PAD]", "[UNK]", "a", "b", "c", "good", "bad"]
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))  # noqa: S106 no password
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",  # noqa: S106 as above
        unk_token="[UNK]",  # noqa: S106 as above
    )
    settings = GPT2Config(
        vocab_size=len(words), n_positions=16, n_embd=8, n_layer=2, n_head=2,
        bos_token_id=0, eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    model = GPT2LMHeadModel(settings)
    with torch.no_grad():
        for number, weight in enumerate(model.parameters()):
            steps = torch.arange(weight.numel(), dtype=torch.float32) * (number + 1)
            weight.copy_((torch.remainder(steps, 7.0) - 3.0).reshape(weight.shape) / 16)
    questions = [Question("a b", ("good", "bad"), 0), Question("b c", ("good", "bad"), 1)]
    choice = HeadAblationGame(model, MultipleChoice(questions), tokenizer=tokenizer)
    asked = HuggingFace(model, tokenizer=tokenizer)
    return {
        "choice": choice,
        "mean": HeadAblationGame(
            model, MultipleChoice(questions), tokenizer=tokenizer, ablation="mean"
        ),
        "perplexity": HeadAblationGame(model, Perplexity(["a b c", "c b a"]), tokenizer=tokenizer),
        "one example": choice.at(1),
        "accuracy": choice.with_value("accuracy"),
        "prompt": PromptGame("a {text}", text="b c", model=asked, target=Labels("good", "bad")),
    }


def find_options(name: str) -> dict[str, Any]:
    """Return what a stored game of this name is given beside the game."""
    given = {"fingerprint": "mine"} if name == "given" else {}
    return {"n_players": 3, **given} if name in ("given", "partial") else {}


def draw(n: int) -> np.ndarray:
    """Return the masks that were kept."""
    return np.arange(3)[:, None] >= np.arange(n) % 3


def write(path: str) -> None:
    """Keep all answers."""
    games = prompt_games() | data_games() | other_games() | head_games()
    for name, game in games.items():
        with StoredGame(game, path, **find_options(name)) as stored:
            print(name, stored(draw(stored.n_players)), stored.record)  # noqa: T201 to be looked at
    print(version("scikit-learn"), version("transformers"))  # noqa: T201 as above


if __name__ == "__main__":
    write(sys.argv[1])
