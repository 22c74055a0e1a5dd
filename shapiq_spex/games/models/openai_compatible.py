"""Language models behind an HTTP endpoint that speaks OpenAI's protocol."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from shapiq_spex._numbers import check_integer, check_real

from ._endpoint import Endpoint, EndpointError, TransientError
from ._log_probabilities import NONE, ROUNDING
from ._opening import Opening
from ._protocols import Usage, as_messages
from ._tokens import join_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ._protocols import Prompt

_NOTHING = "\n"  # an empty prompt: a model needs something to go on from
_PLAIN = "a"  # a text of one token in any vocabulary
_ROUNDING = 1e-3  # of a log-probability
_BIAS = 100  # the most that the protocol allows, enough to choose any token


@dataclass(frozen=True)
class _Piece:
    """A token: its bytes, and its number in the vocabulary where that is known.

    llama.cpp takes prompts in which texts and numbers are mixed: there a token after a text stays
    one, where as a text it could melt into its neighbours.
    """

    data: bytes
    number: int | None = None
    mixes: bool = False

    @property
    def text(self) -> str:
        """The token as it is reported; one that is a part of a character is no text by itself."""
        return self.data.decode(errors="replace")


class OpenAICompatible:
    """A model behind an endpoint with ``/completions`` or ``/chat/completions`` (extra ``http``).

    Log-probabilities are read from the likeliest next tokens that the endpoint reports. A server
    that says which tokens a text has, as llama.cpp and vLLM do, is asked for others by themselves,
    and for answers of several tokens, one request a token. Elsewhere an answer that is not among
    the reported tokens is an error: raise ``top`` where the endpoint allows it, or have a
    :class:`~shapiq_spex.StoredGame` skip such prompts. A chat endpoint can only score answers of
    one token. For endpoints that report no log-probabilities there are targets that need the
    answers alone, as :class:`~shapiq_spex.games.Similarity`.

    The key is read from an environment variable when it is needed; it is in no fingerprint, file or
    error.

    Attributes:
        usage: What the endpoint was asked so far; tokens as far as it tells.

    Examples:
        >>> from shapiq_spex.games import OpenAICompatible
        >>> model = OpenAICompatible("http://127.0.0.1:8080/v1", model="any")
        >>> model.fingerprint
        'endpoint http://127.0.0.1:8080/v1 any completions'
    """

    def __init__(
        self,
        url: str,
        *,
        model: str,
        chat: bool = False,
        temperature: float = 0.0,
        top: int = 20,
        concurrency: int = 8,
        timeout: float = 60.0,
        retries: int = 6,
        backoff: float = 1.0,
        key_variable: str = "OPENAI_API_KEY",
    ) -> None:
        """Remember where to ask.

        Args:
            url: The address up to the version, as ``"http://127.0.0.1:8080/v1"``.
            model: The model's name at this endpoint.
            chat: Whether to send each prompt as a user's message, for models that chat. Prompts
                that are lists of messages are sent as these in any case.
            temperature: How much chance there is in the answers that the model writes; 0 for none.
            top: How many of the likeliest tokens to ask for.
            concurrency: How many requests may be under way at the same time.
            timeout: The seconds to wait for an answer.
            retries: How often to ask again after the statuses 429 and 5xx, dropped connections,
                time-outs and answers that are no JSON; after the time that the server asks for, or
                ever longer ones.
            backoff: The most seconds before the first retry; it doubles each time.
            key_variable: The environment variable that holds the key, if one is needed.

        Raises:
            ImportError: If httpx or tenacity is missing.
            ValueError: If the address is none, or a number is out of range.
            TypeError: If a number is none.
        """
        for name, number in (("top", top), ("concurrency", concurrency)):
            check_integer(name, number, 1)
        check_real("temperature", temperature, 0)
        self.model, self.chat, self.top, self.concurrency = model, chat, top, concurrency
        self.temperature, self.usage = temperature, Usage()
        self._endpoint = Endpoint(
            url, timeout=timeout, retries=retries, backoff=backoff, key_variable=key_variable
        )
        self._pieces: dict[str, list[_Piece]] = {}
        self._opening = Opening(self._endpoint, concurrency)

    @property
    def fingerprint(self) -> str:
        """The endpoint and the model, without any key."""
        path = "chat/completions" if self.chat else "completions"
        warm = f" temperature {self.temperature:g}" if self.temperature else ""
        return f"endpoint {self._endpoint.place} {self.model} {path}{warm}"

    def log_probabilities(
        self, prompts: Sequence[Prompt], continuations: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return the log-probability of each continuation after each prompt, shape ``(m, k)``.

        Args:
            prompts: The prompts.
            continuations: What may follow, of one or more tokens each.

        Returns:
            Natural logarithms, one row a prompt and one column a continuation.

        Raises:
            EndpointError: If the endpoint refuses, goes on failing, or reports no probabilities.
        """
        with ThreadPoolExecutor(self.concurrency) as executor:
            rows = executor.map(lambda prompt: self._score(prompt, continuations), prompts)
            return np.array(list(rows), dtype=np.float64)

    def generate(self, prompts: Sequence[Prompt], max_tokens: int, seed: int = 0) -> list[str]:
        """Return an answer to each prompt.

        Args:
            prompts: The prompts.
            max_tokens: How long an answer may be.
            seed: Fixes what is drawn, where there is a temperature and the endpoint minds seeds.

        Returns:
            One answer a prompt.

        Raises:
            EndpointError: If the endpoint refuses, goes on failing, or answers with no text.
        """
        options = {"max_tokens": max_tokens, "temperature": self.temperature, "seed": seed}
        with ThreadPoolExecutor(self.concurrency) as executor:
            return list(executor.map(lambda prompt: self._write(prompt, options), prompts))

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of a text, where the server tells, as those of llama.cpp and vLLM do.

        Args:
            text: The text.

        Returns:
            The tokens in their order.

        Raises:
            EndpointError: If the server does not tell them.
            ValueError: If the tokens do not give the text back.
        """
        pieces = self._ask_tokens(text)
        if pieces is None:
            msg = "does not tell a text's tokens: take words or characters as parts."
            raise self._endpoint.error(msg)
        return join_bytes([piece.data for piece in pieces], text)

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def __enter__(self) -> Self:
        """Return the model, whose connections are closed at the end of the block."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the connections."""
        self.close()

    def _score(self, prompt: Prompt, continuations: Sequence[str]) -> list[float]:
        """Return the log-probabilities of continuations; the first tokens take one request."""
        prompt = prompt or _NOTHING
        first = self._next_tokens(prompt)
        return [self._follow(prompt, text, first) for text in continuations]

    def _write(self, prompt: Prompt, options: dict[str, Any]) -> str:
        """Return an answer."""
        answer = self._complete(prompt, options)
        try:
            choice = answer["choices"][0]
            text = choice["message"]["content"] if "message" in choice else choice["text"]
            return str(text or "")  # an answer of nothing may be null
        except (KeyError, IndexError, TypeError) as error:
            msg = "answers with no text."
            raise self._endpoint.error(msg, str(answer)) from error

    def _follow(self, prompt: Prompt, text: str, tokens: dict[str, float]) -> float:
        """Return the log-probability of a text, given the likeliest first tokens."""
        if as_messages(prompt, chat=self.chat) is not None:
            return self._score_reply(prompt, text, tokens)
        if text in tokens:
            return tokens[text]
        total = 0.0
        pieces = self._split(text)
        for position, piece in enumerate(pieces):
            before = pieces[:position]
            tokens = self._next_tokens(prompt, before) if before else tokens
            total += self._find(prompt, piece, tokens, before)
        return total

    def _score_reply(self, prompt: Prompt, text: str, tokens: dict[str, float]) -> float:
        """Return the log-probability of a label in a chat, where answers begin without a space."""
        label = text.lstrip() or text
        if label in tokens:
            return tokens[label]
        pieces = self._split(label)
        if len(pieces) > 1:
            msg = f"cannot score {label!r} in a chat: it takes {len(pieces)} tokens."
            raise self._endpoint.error(msg)
        return self._find(prompt, pieces[0], tokens)

    def _find(
        self,
        prompt: Prompt,
        piece: _Piece,
        tokens: dict[str, float],
        before: Sequence[_Piece] = (),
    ) -> float:
        """Return the log-probability of a token, among the likeliest ones or asked for by itself.

        Where the server tells a token's number, it can be made to choose it by a bias, and reports
        the log-probability without the bias.
        """
        if piece.text in tokens:
            return tokens[piece.text]
        if piece.number is not None:
            options = {**self._wanted(prompt, 1), "logit_bias": {str(piece.number): _BIAS}}
            found = self._read(self._complete(prompt, options, before)).get(piece.text, 0.0)
            # no more than the likeliest token leaves: other servers report it with the bias
            with np.errstate(divide="ignore"):  # a certain one leaves nothing
                most = np.log1p(-np.exp(min(0.0, max(tokens.values(), default=0.0)))) + _ROUNDING
            if found <= most:
                return found
        msg = (
            f"reports the {len(tokens)} likeliest next tokens, and {piece.text!r} is not among "
            "them. Ask for more by `top`, take labels of one token each, or leave such prompts out "
            "by `on_failure='skip'` of a StoredGame."
        )
        raise self._endpoint.error(msg)

    def _split(self, text: str) -> list[_Piece]:
        """Return the tokens of an answer where the server tells, as llama.cpp and vLLM do.

        To guess them would be wrong now and then: what the likeliest tokens allow for is no proof.
        """
        if text not in self._pieces:
            pieces = self._ask_tokens(text) or []
            whole = "".join(piece.text for piece in pieces) == text
            self._pieces[text] = pieces if whole else [_Piece(text.encode())]
        return self._pieces[text]

    def _ask_tokens(self, text: str) -> list[_Piece] | None:
        """Return a text's tokens, None from a server that does not tell."""
        body: dict[str, Any] = {"model": self.model, "prompt": text, "return_token_strs": True}
        body |= {"content": text, "with_pieces": True, "add_special_tokens": False}
        try:
            return _read_pieces(self._endpoint.ask("tokenize", body, outside=True))
        except TransientError:
            raise  # it may tell another time
        except (EndpointError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def _next_tokens(self, prompt: Prompt, before: Sequence[_Piece] = ()) -> dict[str, float]:
        """Return the likeliest tokens after a prompt and others, with their log-probabilities.

        llama.cpp reports none where the token that it takes is a part of a character: there it is
        made to take a plain one, whose bias is not in what it reports.
        """
        wanted = self._wanted(prompt, self.top)
        answer = self._complete(prompt, wanted, before)
        try:
            return self._read(answer)
        except EndpointError:
            (plain, *_) = self._split(_PLAIN)
            if plain.number is None:
                raise
            bias = {"logit_bias": {str(plain.number): _BIAS}}
            return self._read(self._complete(prompt, wanted | bias, before))

    def _wanted(self, prompt: Prompt, count: int) -> dict[str, Any]:
        """Return how to ask for the likeliest next tokens, on the path that the prompt takes."""
        is_chat = as_messages(prompt, chat=self.chat) is not None
        wanted = {"logprobs": True, "top_logprobs": count} if is_chat else {"logprobs": count}
        return {"max_tokens": 1, "temperature": 0, **wanted}

    def _read(self, answer: Any) -> dict[str, float]:  # noqa: ANN401 decoded JSON
        """Return the tokens of an answer with their log-probabilities."""
        try:
            tokens = _read_tokens(answer["choices"][0]["logprobs"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            msg = (
                "answers this prompt without the log-probabilities of the next token, which the "
                "target needs. "
                "Use a server that reports them (`logprobs`), or a target that needs none, as "
                "Similarity."
            )
            raise self._endpoint.error(msg, str(answer)) from error
        if (most := max(tokens.values(), default=0.0)) > ROUNDING:
            msg = f"reports {most:g} as a log-probability, and none is above 0."
            raise self._endpoint.error(msg)
        return tokens

    def _complete(
        self, prompt: Prompt, options: dict[str, Any], before: Sequence[_Piece] = ()
    ) -> Any:  # noqa: ANN401 decoded JSON
        """Return what the endpoint answers to a prompt, and tokens of an answer after it."""
        messages = as_messages(prompt, chat=self.chat)
        path = "completions"
        asked: dict[str, Any] = {"prompt": prompt or _NOTHING}
        if before and all(piece.mixes for piece in before):
            asked = {"prompt": [prompt, *(piece.number for piece in before)]}
        elif before:
            asked = {"prompt": f"{prompt}{''.join(piece.text for piece in before)}"}
        if messages is not None:
            path, asked = "chat/completions", {"messages": [*map(dict, messages)]}
        answer = self._opening.ask(path, {"model": self.model, **asked, **options})
        self.usage.add(1, self._read_usage(answer))
        return answer

    def _read_usage(self, answer: Any) -> int:  # noqa: ANN401 decoded JSON
        """Return the tokens that a request took, 0 where the endpoint does not tell."""
        try:
            told = answer["usage"]["total_tokens"]
        except (KeyError, TypeError):
            return 0
        if told is None:
            return 0
        whole = isinstance(told, float) and told.is_integer()
        try:
            return check_integer("total_tokens", int(told) if whole else told, 0)
        except (TypeError, ValueError) as error:
            msg = f"reports a usage that is none, which limits of tokens rest on: {error}"
            raise self._endpoint.error(msg) from error


def _read_pieces(answer: Any) -> list[_Piece]:  # noqa: ANN401 decoded JSON
    """Return the tokens that a server tells, in the form of vLLM or of llama.cpp."""
    mixes = not answer.get("token_strs")
    if not mixes:
        pairs = list(zip(answer["token_strs"], answer["tokens"], strict=True))
    else:
        pairs = [(token["piece"], token["id"]) for token in answer["tokens"]]
    return [
        _Piece(piece.encode() if isinstance(piece, str) else bytes(piece), int(number), mixes)
        for piece, number in pairs
    ]


def _read_tokens(report: Any) -> dict[str, float]:  # noqa: ANN401 decoded JSON
    """Return the first token's alternatives, in the older or the newer form of the protocol.

    Those with a number that stands for no log-probability are left out.
    """
    if "content" in report:
        first = report["content"][0]
        entries = [first, *first["top_logprobs"]]
        pairs = [(entry["token"], float(entry["logprob"])) for entry in entries]
    else:
        top = report["top_logprobs"][0]
        pairs = [(str(token), float(value)) for token, value in top.items()]
    # several tokens may read the same, as parts of characters do: the likeliest counts
    pairs.sort(key=lambda pair: pair[1])
    return {token: value for token, value in pairs if value > NONE}
