"""Tests of endpoints: llama.cpp's own server with a real model, and a server that fails."""

from __future__ import annotations

import ctypes
import itertools
import json
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xllamacpp

import shapiq_spex
from shapiq_spex.games import (
    Continuation,
    EndpointError,
    Generator,
    Labels,
    LlamaCpp,
    OpenAICompatible,
    PromptGame,
    Similarity,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROMPT = "The capital of France is"
GOOD = {
    "choices": [
        {"logprobs": {"content": [{"token": " a", "logprob": -1.0, "top_logprobs": []}]}},
    ]
}


@pytest.fixture(scope="module")
def server(model_file: Path) -> str:
    """Run llama.cpp's server on the loopback interface, with a key."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_file)
    parameters.n_ctx, parameters.n_parallel = 1024, 1
    parameters.cpuparams.n_threads = 1
    parameters.warmup, parameters.verbosity = False, -1
    parameters.api_keys = ["sk-test"]
    running = xllamacpp.Server(parameters)
    # it may wait for ever for its own end; see LlamaCpp
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(running))
    return f"{running.listening_address}/v1"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the key where it is looked for."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


def test_same_values_as_in_process(server: str, llm: LlamaCpp) -> None:
    """The same model gives the same log-probabilities over HTTP, of one token and several."""
    prompts = [PROMPT, "Review: a joy\nSentiment:", "1, 2, 3,", "", "Love 😂😂😂😂"]
    texts = [" Paris", " positive", " New York", " 4"]
    with OpenAICompatible(server, model="smollm", top=3, concurrency=2) as model:
        found = model.log_probabilities(prompts, texts)
        chat = [{"role": "user", "content": "Say Yes or No."}]
        replies = model.log_probabilities([chat], [" Yes", " The"])
        model.top = 2000  # the label with its space is among these
        again = model.log_probabilities([chat], [" Yes", " The"])
        assert again == pytest.approx(replies, rel=0, abs=1e-4)
    expected = llm.log_probabilities(prompts, texts)
    assert found == pytest.approx(expected, rel=0, abs=1e-3)
    assert found.min() < -8  # far from the likeliest
    assert replies == pytest.approx(llm.log_probabilities([chat], ["Yes", "The"]), abs=1e-3)


def test_a_game_over_http(server: str, llm: LlamaCpp, tmp_path: Path) -> None:
    """A stored game behind an endpoint has the values of the model in process; no key is kept."""
    options = {"text": "It never fails.", "target": Labels("positive", "negative")}
    template = "Review: a joy\nSentiment: positive\nReview: {text}\nSentiment:"
    masks = np.array([[1, 1, 1], [0, 1, 1], [1, 0, 1], [0, 0, 0]], dtype=bool)
    with OpenAICompatible(server, model="smollm", top=500) as model:
        game = PromptGame(template, model=model, **options)
        with shapiq_spex.StoredGame(game, tmp_path / "a.sqlite") as stored:
            found = stored(masks)
            contents = [file.read_bytes() for file in tmp_path.iterdir()]
        assert "sk-test" not in model.fingerprint
    assert not any(b"sk-test" in content for content in contents)
    expected = PromptGame(template, model=llm, **options)(masks)
    assert found == pytest.approx(expected, rel=0, abs=1e-3)


def test_chat(server: str) -> None:
    """A chat endpoint scores answers of one token, with the model's own template."""
    with OpenAICompatible(server, model="smollm", chat=True, top=50) as model:
        found = model.log_probabilities(["Say Yes or No."], [" Yes", " No"])
        assert model.fingerprint.endswith("smollm chat/completions")
    assert found.shape == (1, 2)
    assert (found[np.isfinite(found)] < 0).all()


@pytest.mark.parametrize("wrong", ["sk-secret\x01", "sk-sécret"])
def test_a_key_that_cannot_be_sent(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named and the key is not."""
    monkeypatch.setenv("OPENAI_API_KEY", wrong)
    with (
        OpenAICompatible("http://127.0.0.1:9/v1", model="m") as model,
        pytest.raises(EndpointError, match="variable OPENAI_API_KEY is no plain text") as caught,
    ):
        model.generate(["x"], 1)
    assert "cret" not in str(caught.value)
    with pytest.raises(ValueError, match="must be an address") as refused:
        OpenAICompatible("htp://me:sk-secret@host/v1", model="m")
    assert "sk-secret" not in str(refused.value)


def test_a_key_with_a_line_end(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """White space around a key, as of a file, does not count."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test\n")
    with OpenAICompatible(server, model="smollm") as model:
        assert model.generate([PROMPT], 1)


def test_wrong_key(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused key is an error at once, which does not repeat the key."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with (
        OpenAICompatible(server, model="smollm") as model,
        pytest.raises(EndpointError, match="refuses with status 401") as caught,
    ):
        model.log_probabilities([PROMPT], [" Paris"])
    assert "sk-wrong" not in str(caught.value)


class Faulty:
    """A server that does what it is told, one answer after the other."""

    def __init__(self) -> None:
        """Begin to serve."""
        self.script: list[Callable[[BaseHTTPRequestHandler], None]] = []
        self.times: list[float] = []
        self.running = self.most = 0
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                with outer.lock:
                    outer.times.append(time.monotonic())
                    outer.running += 1
                    outer.most = max(outer.most, outer.running)
                    step = outer.script.pop(0) if outer.script else answer(GOOD)
                step(self)

            def send_response(self, code: int, message: str | None = None) -> None:
                # before a byte of the answer is out: the next request may follow that at once
                with outer.lock:
                    outer.running -= 1
                super().send_response(code, message)

            def log_message(self, *_: Any) -> None:  # noqa: ANN401 as in its base
                """Be silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


def answer(
    body: object, status: int = 200, wait: str | None = None, pause: float = 0.0
) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with a status and a body, JSON unless it is a text."""

    def step(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(pause)
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        handler.send_response(status)
        if wait is not None:
            handler.send_header("Retry-After", wait)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return step


def drop(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


@pytest.fixture
def faulty() -> Iterator[Faulty]:
    """Run a server that fails."""
    found = Faulty()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.mark.parametrize(
    "step",
    [
        answer("", 500),
        answer("", 503, wait="nonsense"),
        answer("", 429),
        answer("{no json"),
        answer(GOOD, pause=1.0),
        drop,
    ],
    ids=["500", "503", "429", "malformed", "slow", "dropped"],
)
def test_transient_faults(step: Callable[[BaseHTTPRequestHandler], None], faulty: Faulty) -> None:
    """What may not come again is asked again, and the answers stay with their prompts."""
    faulty.script = [step, step]
    with OpenAICompatible(faulty.url, model="m", timeout=0.5, backoff=0.01) as model:
        assert model.log_probabilities([PROMPT], [" a"]).tolist() == [[-1.0]]
    assert len(faulty.times) == 3


def test_retry_after(faulty: Faulty) -> None:
    """A server that asks for a pause gets it."""
    faulty.script = [answer("", 429, wait="0.7")]
    with OpenAICompatible(faulty.url, model="m", backoff=0.01) as model:
        model.log_probabilities([PROMPT], [" a"])
    assert 0.7 <= faulty.times[1] - faulty.times[0] < 5


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (answer("", 500), "answers with status 500"),
        (answer("{no json"), "no JSON"),
        (drop, "does not answer: RemoteProtocolError"),
    ],
)
def test_lasting_faults(
    step: Callable[[BaseHTTPRequestHandler], None], reason: str, faulty: Faulty
) -> None:
    """What goes on failing is an error that says what came back."""
    faulty.script = [step] * 3
    with (
        OpenAICompatible(faulty.url, model="m", retries=2, backoff=0.01) as model,
        pytest.raises(EndpointError, match=reason),
    ):
        model.log_probabilities([PROMPT], [" a"])
    assert len(faulty.times) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"text": "a", "logprobs": None}]},
        {"choices": [{"text": "a"}]},
        {"choices": []},
        {"error": "none"},
    ],
)
def test_no_log_probabilities(body: object, faulty: Faulty) -> None:
    """A server that reports none is told apart plainly, and not asked again."""
    faulty.script = [answer(body)]
    with (
        OpenAICompatible(faulty.url, model="m") as model,
        pytest.raises(EndpointError, match="answers this prompt without the log-prob"),
    ):
        model.log_probabilities([PROMPT], [" a"])
    assert len(faulty.times) == 2  # the other asks for tokens, which may help


def test_older_form(faulty: Faulty) -> None:
    """Completions in the older form of the protocol are read as well."""
    faulty.script = [answer({"choices": [{"logprobs": {"top_logprobs": [{" a": -1.5}]}}]})]
    with OpenAICompatible(faulty.url, model="m") as model:
        assert model.log_probabilities([PROMPT], [" a"]).tolist() == [[-1.5]]


@pytest.mark.parametrize("reported", [0.5, 2.0])
def test_a_log_probability_above_0_is_refused(reported: float, faulty: Faulty) -> None:
    """It is none, whatever it is."""
    faulty.script = [answer({"choices": [{"logprobs": {"top_logprobs": [{" a": reported}]}}]})] * 2
    with (
        OpenAICompatible(faulty.url, model="m") as model,
        pytest.raises(EndpointError, match="as a log-probability, and none is above 0"),
    ):
        model.log_probabilities([PROMPT], [" a"])


def test_a_number_that_stands_for_no_log_probability_is_not_read(faulty: Faulty) -> None:
    """A label with it is as one that is not reported."""
    top = {" a": -0.1, " b": -9999.0}
    faulty.script = [answer({"choices": [{"logprobs": {"top_logprobs": [top]}}]})]
    with OpenAICompatible(faulty.url, model="m") as model:
        assert model.log_probabilities([PROMPT], [" a"]).tolist() == [[-0.1]]
    faulty.script = [
        answer({"choices": [{"logprobs": {"top_logprobs": [top]}}]}),
        answer({"error": "no such path"}),
    ]
    with (
        OpenAICompatible(faulty.url, model="m") as model,
        pytest.raises(EndpointError, match="the 1 likeliest next tokens, and ' b' is not among"),
    ):
        model.log_probabilities([PROMPT], [" b"])


@pytest.mark.parametrize("tokens", [-5, 1.5, "12", True])
def test_a_usage_that_is_no_number_of_tokens(tokens: object, faulty: Faulty) -> None:
    """A limit of tokens would rest on it."""
    faulty.script = [answer(GOOD | {"usage": {"total_tokens": tokens}})]
    with (
        OpenAICompatible(faulty.url, model="m") as model,
        pytest.raises(EndpointError, match=r"reports a usage that is none.*total_tokens must be"),
    ):
        model.log_probabilities([PROMPT], [" a"])


def test_a_usage_that_is_told(faulty: Faulty) -> None:
    """Or not told, which is no fault."""
    for told in ({"usage": {"total_tokens": 7.0}}, {"usage": None}, {}):
        faulty.script = [answer(GOOD | told)]
        with OpenAICompatible(faulty.url, model="m") as model:
            model.log_probabilities([PROMPT], [" a"])
            assert model.usage.tokens == (7 if told.get("usage") else 0)


@pytest.mark.parametrize(
    "script",
    [
        [GOOD, {"error": "no such path"}],
        [GOOD, {"tokens": [{"id": 7, "piece": " b"}]}, {"choices": [{"logprobs": None}]}],
        # a server that reports log-probabilities with the bias
        [GOOD, {"tokens": [7], "token_strs": [" b"]}, GOOD],
    ],
)
def test_a_label_that_is_not_reported(script: list[object], faulty: Faulty) -> None:
    """Where a label's probability cannot be had, the error says what to do."""
    faulty.script = [answer(body) for body in script]
    with (
        OpenAICompatible(faulty.url, model="m") as model,
        pytest.raises(EndpointError, match=r"' b' is not among|without the log-prob"),
    ):
        model.log_probabilities([PROMPT], [" b"])


def test_long_labels_in_a_chat(server: str) -> None:
    """A chat endpoint cannot score several tokens."""
    with (
        OpenAICompatible(server, model="smollm", chat=True) as model,
        pytest.raises(EndpointError, match="cannot score 'New York City' in a chat: it takes 3"),
    ):
        model.log_probabilities(["Which city?"], [" New York City"])


def test_what_failed_is_said_through_a_store(tmp_path: Path) -> None:
    """The address and the fault come through, since an endpoint's errors hold no key."""
    options = {"model": "m", "retries": 0}
    with OpenAICompatible("http://me:sk-secret@127.0.0.1:9/v1", **options) as model:
        game = PromptGame(text="x y", model=model, target=Labels("a", "b"))
        with (
            shapiq_spex.StoredGame(game, tmp_path / "a.sqlite") as stored,
            pytest.raises(shapiq_spex.AblationError, match=r"//127\.0\.0\.1:9/v1 does not answer"),
        ):
            stored(np.ones((1, 2), dtype=bool))


def test_the_first_request_goes_alone(faulty: Faulty) -> None:
    """Where the endpoint fails, the others are not sent; the next call tries again."""
    faulty.script = [answer({}, 503, pause=0.2)]
    options = {"model": "m", "concurrency": 4, "retries": 0}
    with OpenAICompatible(faulty.url, **options) as model:
        with pytest.raises(EndpointError, match="status 503"):
            model.log_probabilities([PROMPT] * 4, [" a"])
        assert len(faulty.times) == 1
        assert model.log_probabilities([PROMPT] * 4, [" a"]).tolist() == [[-1.0]] * 4
    assert len(faulty.times) == 5


def test_a_first_prompt_that_is_refused(faulty: Faulty, tmp_path: Path) -> None:
    """One prompt that is refused, as one that is too long, does not take others with it."""
    faulty.script = [answer({"error": "too long"}, 400, pause=0.2)]
    with OpenAICompatible(faulty.url, model="m", concurrency=4) as model:
        game = PromptGame(text="x y z", model=model, target=Continuation(" a"))
        with shapiq_spex.StoredGame(game, tmp_path / "a.sqlite", on_failure="skip") as stored:
            values = stored(np.array(list(itertools.product([False, True], repeat=3))))
    assert np.isnan(values).sum() == 1


def test_concurrency_is_bounded(faulty: Faulty) -> None:
    """So many requests are under way and no more."""
    faulty.script = [answer(GOOD, pause=0.05) for _ in range(24)]
    with OpenAICompatible(faulty.url, model="m", concurrency=3) as model:
        model.log_probabilities([PROMPT] * 24, [" a"])
    assert faulty.most == 3


def test_an_answer_that_repeats_the_key(faulty: Faulty) -> None:
    """Should the server send the key back, the error does not."""
    faulty.script = [answer({"error": "bad key sk-test"}, 403)]
    with (
        OpenAICompatible(faulty.url, model="m") as model,
        pytest.raises(EndpointError, match=r"status 403\. It said: .*\[key\]") as caught,
    ):
        model.log_probabilities([PROMPT], [" a"])
    assert "sk-test" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "options", "reason"),
    [
        ("localhost:80", {}, "url must be"),
        ("http://", {}, "url must be"),
        ("http://a/v1", {"top": 0}, "top must be"),
        ("http://a/v1", {"concurrency": 0}, "concurrency must be"),
    ],
)
def test_bad_arguments(url: str, options: dict[str, Any], reason: str) -> None:
    """Mistakes are named."""
    with pytest.raises(ValueError, match=reason):
        OpenAICompatible(url, model="m", **options)


def test_secrets_in_the_address() -> None:
    """A password in the address is in no fingerprint."""
    model = OpenAICompatible("https://user:secret@host/v1/", model="m")
    assert model.fingerprint == "endpoint https://host/v1 m completions"


def test_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without httpx the error says what to install."""
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(ImportError, match=r"shapiq-spex\[http\]"):
        OpenAICompatible("http://a/v1", model="m")


def test_answers_over_http(server: str, llm: LlamaCpp) -> None:
    """The same answers as in process, from both paths, and the tokens that they took."""
    message = [{"role": "user", "content": "Say hello."}]
    with OpenAICompatible(server, model="smollm") as model:
        assert isinstance(model, Generator)
        assert model.generate([PROMPT, message], 4) == llm.generate([PROMPT, message], 4)
        assert model.usage.requests == 2
        assert model.usage.tokens > 20
        assert model.tokens("Ünï 🙂 漢 x") == llm.tokens("Ünï 🙂 漢 x")
    with OpenAICompatible(server, model="smollm", chat=True) as model:
        assert model.generate(["Say hello."], 4) == llm.generate([message], 4)


def test_an_endpoint_without_log_probabilities(faulty: Faulty) -> None:
    """The similarity of answers needs none; what is null counts as an empty answer."""
    texts = ["a b", "a b", None, "a"]
    faulty.script = [answer({"choices": [{"message": {"content": text}}]}) for text in texts]
    with OpenAICompatible(faulty.url, model="m", chat=True, concurrency=1) as model:
        game = PromptGame(text="x y", model=model, target=Similarity())
        values = game(np.array([[1, 1], [0, 0], [1, 0]], dtype=bool))
    assert values.tolist() == [1.0, 0.0, 2 / 3]
    assert model.usage.tokens == 0


def test_answers_that_are_none(faulty: Faulty) -> None:
    """An answer without a text, and a server that does not tell its tokens, are named."""
    faulty.script = [answer({"choices": []}), answer({"error": "unknown"}, 404)]
    with OpenAICompatible(faulty.url, model="m") as model:
        with pytest.raises(EndpointError, match="answers with no text"):
            model.generate(["x"], 1)
        with pytest.raises(EndpointError, match="does not tell a text's tokens"):
            model.tokens("x")


def test_what_was_answered_before_a_failure_is_kept(faulty: Faulty, tmp_path: Path) -> None:
    """Of the prompts that an endpoint was asked at the same time, none is paid for again."""
    faulty.script = [answer(GOOD)] * 5 + [answer({"error": "no"}, 400)]
    masks = np.array(list(itertools.product([False, True], repeat=3)))
    target = Continuation(" a")
    with OpenAICompatible(faulty.url, model="m", concurrency=2) as model:
        game = PromptGame(text="x y z", model=model, target=target)
        with shapiq_spex.StoredGame(game, tmp_path / "a.sqlite") as stored:
            with pytest.raises(shapiq_spex.AblationError, match="refuses with status 400"):
                stored(masks)
            paid = stored.record.evaluated
            stored(masks)
            assert paid >= 5
            assert stored.record.evaluated == len(masks)
            assert len(faulty.times) == len(masks) + 1
