"""Tests of models of transformers: small random ones for exactness, and a real one."""

from __future__ import annotations

import functools
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex.games import (
    Classifier,
    Generator,
    HuggingFace,
    Labels,
    LanguageModel,
    LlamaCpp,
    PromptGame,
    Tokenizer,
    small_model,
)
from shapiq_spex.games.models.hugging_face._scoring import make_plans
from shapiq_spex.games.models.hugging_face._text import cut

if TYPE_CHECKING:
    from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

pytestmark = pytest.mark.torch

LINES = ["The capital of France is Paris.", "Two and two make four, not five.", "It never fails 🙂"]
FEW_SHOT = "The capital of France is Paris. The capital of France is Paris.\n"
PROMPTS = ["The", "", "Two and two make", "It never fails, not in the capital of France", "Ünï 漢"]
ANSWERS = [" Paris", " four, not five.", " four", "\n", " zebra"]
TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
BYTES_ENDS = {"eos_token": "<end>", "bos_token": "<end>"}
WORD_ENDS = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
SIZES = {"vocab_size": 400, "max_position_embeddings": 128, "initializer_range": 0.4}
LLAMA = SIZES | {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "eos_token_id": 0,
    "bos_token_id": 0,
}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def make_tokenizer(**options: Any) -> Any:  # noqa: ANN401 transformers is untyped here
    """Train a byte-level tokenizer on a few lines."""
    own = tokenizers.ByteLevelBPETokenizer()
    own.train_from_iterator(LINES, 400, 1, special_tokens=["<end>"], show_progress=False)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=own._tokenizer, **BYTES_ENDS, **options
    )


def make_word_pieces() -> Any:  # noqa: ANN401 transformers is untyped here
    """Make a tokenizer as BERT's, which drops case, accents and what it does not know."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "##s", "is", "good", "!"]
    own = tokenizers.BertWordPieceTokenizer({word: place for place, word in enumerate(words)})
    return transformers.PreTrainedTokenizerFast(tokenizer_object=own._tokenizer, **WORD_ENDS)


def make_gpt2() -> Any:  # noqa: ANN401 transformers is untyped here
    """Make a model whose positions are absolute."""
    config = transformers.GPT2Config(**SIZES, n_embd=32, n_layer=2, n_head=4, eos_token_id=0)
    return transformers.GPT2LMHeadModel(config)


def make_llama() -> Any:  # noqa: ANN401 transformers is untyped here
    """Make a model whose heads share keys."""
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**LLAMA))


def make_mistral() -> Any:  # noqa: ANN401 transformers is untyped here
    """Make a model that looks back a few tokens alone."""
    return transformers.MistralForCausalLM(transformers.MistralConfig(**LLAMA, sliding_window=6))


def make_gemma() -> Any:  # noqa: ANN401 transformers is untyped here
    """Make a model that bounds its logits after the head."""
    config = transformers.Gemma2Config(
        **LLAMA, head_dim=8, sliding_window=6, final_logit_softcapping=2.0
    )
    return transformers.Gemma2ForCausalLM(config)


def make_mamba() -> Any:  # noqa: ANN401 transformers is untyped here
    """Make a model without attention, whose memory is no list of tokens."""
    config = transformers.MambaConfig(vocab_size=400, hidden_size=32, num_hidden_layers=2)
    return transformers.MambaForCausalLM(config)


def make_bert() -> Any:  # noqa: ANN401 transformers is untyped here
    """Make a classifier."""
    config = transformers.BertConfig(
        **SIZES,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        id2label={0: "bad", 1: "fair", 2: "good"},
    )
    return transformers.BertForSequenceClassification(config)


MODELS = {
    "gpt2": make_gpt2,
    "llama": make_llama,
    "mistral": make_mistral,
    "gemma": make_gemma,
    "mamba": make_mamba,
}


@pytest.fixture(scope="module", params=MODELS)
def small(request: pytest.FixtureRequest) -> HuggingFace:
    """Make a language model with random weights."""
    torch.manual_seed(0)
    return HuggingFace(MODELS[request.param](), tokenizer=make_tokenizer(), batch_size=4)


@pytest.fixture(scope="module")
def llama() -> HuggingFace:
    """Make one such model."""
    torch.manual_seed(0)
    return HuggingFace(make_llama(), tokenizer=make_tokenizer(chat_template=TEMPLATE))


@pytest.fixture(scope="module")
def classifier() -> HuggingFace:
    """Make a classifier with random weights."""
    torch.manual_seed(0)
    return HuggingFace(make_bert(), tokenizer=make_word_pieces(), batch_size=2)


def plain_score(model: HuggingFace, prompt: str, answer: str) -> float:
    """Compute a log-probability the plain way: one sequence, all of its logits."""
    encode = model._tokenizer
    before, after = encode(prompt or "\n")["input_ids"], encode(answer)["input_ids"]
    with torch.inference_mode():
        logits = model._model(torch.tensor([before + after])).logits[0].log_softmax(-1)
    places = range(len(before) - 1, len(before) + len(after) - 1)
    return sum(float(logits[place, token]) for place, token in zip(places, after, strict=True))


@pytest.mark.parametrize("before", ["", FEW_SHOT], ids=["apart", "shared"])
def test_batches_are_exact(small: HuggingFace, before: str) -> None:
    """Padding, what prompts share and answers of several tokens change nothing."""
    prompts = [before + prompt for prompt in PROMPTS]
    found = small.log_probabilities(prompts, ANSWERS)
    expected = [[plain_score(small, prompt, answer) for answer in ANSWERS] for prompt in prompts]
    assert found == pytest.approx(np.array(expected), abs=1e-4)
    assert found.dtype == np.float64
    alone = [small.log_probabilities([prompt], ANSWERS)[0] for prompt in prompts]
    assert found == pytest.approx(np.array(alone), abs=1e-4)


def test_whole_logits_are_not_computed(llama: HuggingFace) -> None:
    """The head sees the last tokens alone."""
    seen = []
    head = llama._model.get_output_embeddings()
    hook = head.register_forward_hook(lambda _, given, __: seen.append(tuple(given[0].shape)))
    llama.log_probabilities(PROMPTS, [" Paris"])
    hook.remove()
    width = len(llama._tokenizer(" Paris")["input_ids"])
    assert seen == [(len(PROMPTS), width, 32)]


@pytest.mark.parametrize(
    ("answers", "passes"),
    [
        ([[1], [2]], [([], [0, 1])]),
        ([[1, 2], [1], [3]], [([1], [0, 1, 2])]),
        ([[1, 2, 3], [1, 2, 4], [5, 6], []], [([1, 2], [0, 1]), ([5], [2])]),
        ([[]], []),
    ],
)
def test_passes(answers: list[list[int]], passes: list[tuple[list[int], list[int]]]) -> None:
    """Answers share passes over the prompt where they can."""
    assert [(plan.context, plan.columns) for plan in make_plans(answers)] == passes


def test_usage() -> None:
    """Passes count, and tokens without padding."""
    model = HuggingFace(make_llama(), tokenizer=make_tokenizer(), batch_size=2)
    model.log_probabilities(["The", "Two and two make", "It"], ["!"])
    rows = [len(model._tokenizer(text)["input_ids"]) for text in ("The", "Two and two make", "It")]
    assert (model.usage.requests, model.usage.tokens) == (2, sum(rows))
    model.generate(["The", "It"], 3)
    assert model.usage.requests <= 5
    assert model.usage.tokens <= sum(rows) + rows[0] + rows[2] + 6


def test_kinds(llama: HuggingFace, classifier: HuggingFace) -> None:
    """A model has what its kind can do, and no more."""
    kinds = (HuggingFace, Tokenizer, LanguageModel, Generator, Classifier)
    assert [isinstance(llama, kind) for kind in kinds] == [True, True, True, True, False]
    assert [isinstance(classifier, kind) for kind in kinds] == [True, True, False, False, True]
    encoder = transformers.BertModel(make_bert().config)
    with pytest.raises(ValueError, match="BertModel"):
        HuggingFace(encoder, tokenizer=make_word_pieces())


@pytest.mark.parametrize("make", [make_llama, make_bert], ids=["causal", "classifier"])
def test_folder(tmp_path: Path, make: Any) -> None:  # noqa: ANN401 as above
    """A folder gives what the model in memory gives; its fingerprint is that of its files."""
    tokenizer = make_word_pieces() if make is make_bert else make_tokenizer()
    memory = HuggingFace(make(), tokenizer=tokenizer)
    memory._model.save_pretrained(tmp_path)
    memory._tokenizer.save_pretrained(tmp_path)
    model = HuggingFace(tmp_path, device="cpu")
    assert type(model) is type(memory)
    if isinstance(model, Classifier):
        assert model.logits(PROMPTS) == pytest.approx(memory.logits(PROMPTS))
    else:
        assert model.log_probabilities(PROMPTS, ANSWERS) == pytest.approx(
            memory.log_probabilities(PROMPTS, ANSWERS)
        )
    (tmp_path / "README.md").write_text("Read me.")
    same = HuggingFace(str(tmp_path), device="cpu")
    assert same.fingerprint == model.fingerprint
    others = [
        HuggingFace(tmp_path, device="cpu", dtype="bfloat16"),
        HuggingFace(tmp_path, device="cpu", chat=True),
        HuggingFace(tmp_path, device="cpu", temperature=0.5),
        HuggingFace(tmp_path, device="cpu", tokenizer=make_tokenizer()),
    ]
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"initializer_range": 0.1}))
    others.append(HuggingFace(tmp_path, device="cpu"))
    assert len({model.fingerprint, *(other.fingerprint for other in others)}) == 6


def test_fingerprint_of_memory(llama: HuggingFace) -> None:
    """Weights, tokenizer and template count; where a model is does not, nor padding of others."""
    own = HuggingFace(llama._model, tokenizer=make_tokenizer(chat_template=TEMPLATE))
    own._tokenizer.pad_token = "<end>"  # noqa: S105 no secret
    own._tokenizer(["a", "b c"], padding=True)
    assert own.fingerprint == llama.fingerprint
    assert HuggingFace(llama._model, tokenizer=make_tokenizer()).fingerprint != own.fingerprint
    other = make_llama()
    other.load_state_dict(llama._model.state_dict())
    same = HuggingFace(other, tokenizer=make_tokenizer(chat_template=TEMPLATE))
    assert same.fingerprint == own.fingerprint
    with torch.no_grad():
        other.model.norm.weight[3] += 1
    changed = HuggingFace(other, tokenizer=make_tokenizer(chat_template=TEMPLATE))
    assert changed.fingerprint != own.fingerprint


def test_a_model_that_is_changed(tmp_path: Path) -> None:
    """What is done to a loaded model shows in its fingerprint, which is found once a state."""
    make_llama().save_pretrained(tmp_path)
    make_tokenizer().save_pretrained(tmp_path)
    for model in (
        HuggingFace(tmp_path, device="cpu"),
        HuggingFace(make_llama(), tokenizer=make_tokenizer()),
    ):
        found = [model.fingerprint]
        known = model._known
        assert model.fingerprint == found[0]
        assert model._known is known
        with torch.no_grad():
            model._model.model.norm.weight.mul_(1.05)
        found.append(model.fingerprint)
        model._model.generation_config.suppress_tokens = [3]
        found.append(model.fingerprint)
        model.temperature = 0.5
        found.append(model.fingerprint)
        assert len(set(found)) == 4


def test_chat(llama: HuggingFace) -> None:
    """A chat is rendered by the template, and answered without a space."""
    chat = HuggingFace(llama._model, tokenizer=llama._tokenizer, chat=True)
    messages = [{"role": "user", "content": "Two"}]
    mixed = llama.log_probabilities([messages, "Two"], [" four"])
    assert mixed[0, 0] == pytest.approx(
        plain_score(llama, "<user>Two\n<assistant>", "four"), abs=1e-4
    )
    assert mixed[1, 0] == pytest.approx(plain_score(llama, "Two", " four"), abs=1e-4)
    assert chat.log_probabilities(["Two"], [" four"])[0] == pytest.approx(mixed[0], abs=1e-4)
    assert chat.generate(["Two"], 4) == llama.generate([messages], 4)
    none = HuggingFace(llama._model, tokenizer=make_tokenizer(), chat=True)
    with pytest.raises(ValueError, match="no chat template"):
        none.log_probabilities(["Two"], [" four"])


def test_no_tokens(llama: HuggingFace) -> None:
    """A text that a tokenizer sees nothing in is begun with its first token, if it has one."""
    own = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "<s>": 1}, "a"))
    own.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    blank = transformers.PreTrainedTokenizerFast(tokenizer_object=own)
    with pytest.raises(ValueError, match="no tokens"):
        HuggingFace(llama._model, tokenizer=blank).log_probabilities([" "], ["a"])
    begun = transformers.PreTrainedTokenizerFast(tokenizer_object=own)
    begun.add_special_tokens({"bos_token": "<s>"})
    found = HuggingFace(llama._model, tokenizer=begun).log_probabilities([" ", "<s>"], ["a"])
    assert found[0] == pytest.approx(found[1], abs=1e-5)


def test_space_before_texts(llama: HuggingFace) -> None:
    """A space that a tokenizer puts before every text does not come before an answer."""
    words = {"<unk>": 0, "▁": 1, "▁Paris": 2, "Paris": 3, "\n": 4, "▁is": 5}
    pieces = [(word, -1.0) for word in words]
    own = tokenizers.Tokenizer(tokenizers.models.Unigram(pieces, unk_id=0))
    own.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(split=False)
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=own)
    texts = HuggingFace(llama._model, tokenizer=tokenizer)._texts
    assert texts.prompt("Paris") == [2]
    assert texts.continuation(" Paris", chat=False) == [2]
    assert texts.continuation("Paris", chat=False) == [3]


@pytest.mark.parametrize("small", ["gpt2", "llama", "mistral", "gemma"], indirect=True)
def test_generation(small: HuggingFace) -> None:
    """An answer is the same in a batch and alone, and the likeliest token by token."""
    found = small.generate(PROMPTS, 6)
    assert found == [small.generate([prompt], 6)[0] for prompt in PROMPTS]
    text = PROMPTS[2]
    ids = small._tokenizer(text)["input_ids"]
    with torch.inference_mode():
        for _ in range(6):
            ids.append(int(small._model(torch.tensor([ids])).logits[0, -1].argmax()))
    width = len(small._tokenizer(text)["input_ids"])
    written = ids[width:]
    written = written[: written.index(0)] if 0 in written else written
    assert found[2] == small._tokenizer.decode(written)


def test_answers_drawn_at_random(llama: HuggingFace) -> None:
    """The prompt and the seed choose an answer, and no other generator is touched."""
    model = HuggingFace(llama._model, tokenizer=llama._tokenizer, temperature=1.0)
    state, own = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002 looked at
    first = model.generate(PROMPTS, 8, seed=1)
    assert first == [model.generate([prompt], 8, seed=1)[0] for prompt in PROMPTS]
    assert first != model.generate(PROMPTS, 8, seed=2)
    assert model.generate(["The"], 8, seed=-1) == model.generate(["The"], 8, seed=-1)
    assert torch.equal(state, torch.get_rng_state())
    assert np.random.get_state()[1].tolist() == own  # noqa: NPY002 as above


def test_draws_follow_the_probabilities(llama: HuggingFace) -> None:
    """Tokens come as often as the temperature has it."""
    model = HuggingFace(llama._model, tokenizer=llama._tokenizer, temperature=0.5)
    ids = llama._tokenizer("Two")["input_ids"]
    with torch.inference_mode():
        logits = llama._model(torch.tensor([ids])).logits[0, -1].double()
    chances = (logits / 0.5).softmax(-1).tolist()
    texts = [llama._tokenizer.decode([token], skip_special_tokens=True) for token in range(400)]
    drawn = [model.generate(["Two"], 1, seed=seed)[0] for seed in range(300)]
    for text in {texts[place] for place in np.argsort(chances)[-3:]}:
        chance = sum(p for p, other in zip(chances, texts, strict=True) if other == text)
        assert drawn.count(text) / len(drawn) == pytest.approx(chance, abs=0.1)


def test_answers_end(llama: HuggingFace) -> None:
    """An answer ends where the model ends it, and shows no special token."""
    torch.manual_seed(0)
    ending = make_llama()
    with torch.no_grad():
        ending.lm_head.weight.zero_()
    model = HuggingFace(ending, tokenizer=llama._tokenizer)  # all alike: the first is the end
    assert model.generate(["The", "Two and"], 5) == ["", ""]
    assert model.usage.requests == 1


def test_classifier(classifier: HuggingFace) -> None:
    """Logits are those of each text alone; the classes have the config's names."""
    texts = ["The films", "the film is good! The film is the film.", "", "is"]
    found = classifier.logits(texts)
    assert classifier.classes == ("bad", "fair", "good")
    with torch.inference_mode():
        for text, row in zip(texts, found, strict=True):
            encoded = classifier._tokenizer(text, return_tensors="pt")
            assert row == pytest.approx(classifier._model(**encoded).logits[0].numpy(), abs=1e-4)
    assert classifier.logits([]).shape == (0, 3)
    with pytest.raises(ValueError, match="no chats"):
        classifier.logits([[{"role": "user", "content": "Good?"}]])


@pytest.mark.parametrize("padding", [None, 0])
def test_classifier_that_reads_its_last_token(padding: int | None) -> None:
    """A classifier made of a language model pools the last token, whatever is padded."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(**LLAMA, num_labels=2, pad_token_id=padding)
    own = transformers.LlamaForSequenceClassification(config)
    model = HuggingFace(own, tokenizer=make_tokenizer())
    texts = [text for text in PROMPTS if text]
    found = model.logits(texts)
    with torch.inference_mode():
        for text, row in zip(texts, found, strict=True):
            encoded = model._tokenizer(text, return_tensors="pt")
            alone = own(encoded["input_ids"]).logits[0]
            assert row == pytest.approx(alone.numpy(), abs=1e-4)


def test_too_long(llama: HuggingFace, classifier: HuggingFace) -> None:
    """A prompt beyond the model's context is refused with the numbers, and nothing is cut."""
    with pytest.raises(ValueError, match=r"has \d{3} tokens, and the model takes 128"):
        llama.log_probabilities(["Two " * 200], ["!"])
    with pytest.raises(ValueError, match="with the 125 that follow it, and the model takes 128"):
        llama.generate(["Two and two make"], 125)
    with pytest.raises(ValueError, match="202 tokens, and the model takes 128"):
        classifier.logits(["film " * 200])


def test_missing_parts(tmp_path: Path, llama: HuggingFace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing or wrong is named."""
    with pytest.raises(FileNotFoundError, match="no model folder"):
        HuggingFace(tmp_path / "none")
    with pytest.raises(OSError, match=r"offline|cached|connect"):
        HuggingFace("nobody/none")
    with pytest.raises(ValueError, match="needs its tokenizer"):
        HuggingFace(llama._model)
    with pytest.raises(ValueError, match="takes no device"):
        HuggingFace(llama._model, tokenizer=llama._tokenizer, device="cpu")
    with pytest.raises(ValueError, match="batch_size"):
        HuggingFace(llama._model, tokenizer=llama._tokenizer, batch_size=0)
    with pytest.raises(ValueError, match="max_tokens"):
        llama.generate(["The"], 0)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"shapiq-spex\[huggingface\]"):
        HuggingFace(tmp_path)


def test_missing_weights(tmp_path: Path, classifier: HuggingFace) -> None:
    """Weights that would be random are no model."""
    classifier._model.bert.save_pretrained(tmp_path)
    classifier._tokenizer.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["architectures"] = ["BertForSequenceClassification"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"lacks 2 of the weights .*: classifier\.bias"):
        HuggingFace(tmp_path, device="cpu")


def test_nothing_is_printed(
    tmp_path: Path, llama: HuggingFace, capfd: pytest.CaptureFixture[str]
) -> None:
    """No bars and no warnings; what transformers prints for others stays as it was."""
    llama._model.save_pretrained(tmp_path)
    llama._tokenizer.save_pretrained(tmp_path)
    capfd.readouterr()
    logging = transformers.utils.logging
    before = (logging.get_verbosity(), logging.is_progress_bar_enabled())
    model = HuggingFace(tmp_path, device="cpu", temperature=1.0)
    model.log_probabilities(PROMPTS, ANSWERS)
    model.generate(PROMPTS, 3)
    model.tokens("word " * 300)
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


TOKENIZERS = {"bytes": functools.cache(make_tokenizer), "pieces": functools.cache(make_word_pieces)}
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(
    text=TEXT | st.lists(st.sampled_from([*LINES, " ", "é", "🙂", "[CLS]", "<end>"])).map("".join)
)
def test_tokens_give_the_text_back(kind: str, llama: HuggingFace, text: str) -> None:
    """Nothing is lost of any text, and no token is empty."""
    found = HuggingFace(llama._model, tokenizer=TOKENIZERS[kind]()).tokens(text)
    assert "".join(found) == text
    assert all(found)


def test_tokens(llama: HuggingFace, classifier: HuggingFace) -> None:
    """Characters stay whole, and gaps go with what follows them."""
    assert llama.tokens("It never fails")[0] == "It"
    assert "🙂" in "|".join(llama.tokens("a🙂b漢")).split("|")
    assert classifier.tokens("  The FILMS, is  gööd! ") == [
        "  The",
        " FILM",
        "S",
        ",",
        " is",
        "  gööd",
        "! ",
    ]


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        ([(0, 1), (2, 3)], ["a", "bcd"]),
        ([(0, 2), (1, 3), (3, 4)], ["abc", "d"]),
        ([(0, 2), (1, 2), (1, 2)], ["abcd"]),
        ([(1, 2), (0, 0), (2, 4)], ["ab", "cd"]),
        ([], ["abcd"]),
    ],
)
def test_cutting(offsets: list[tuple[int, int]], expected: list[str]) -> None:
    """Tokens that share a character are not parted."""
    assert cut("abcd", offsets) == expected


# the real model


def save_for_llama_cpp(path: Path, gguf: Any) -> None:  # noqa: ANN401 gguf is untyped here
    """Write the same weights as a GGUF file of 32-bit floats, with which nothing is rounded."""
    source = gguf.GGUFReader(small_model())
    target = gguf.GGUFWriter(path, "llama")
    for field in source.fields.values():
        if not field.name.startswith(("GGUF.", "general.architecture", "general.file_type")):
            kind, inner = field.types[0], field.types[-1] if len(field.types) > 1 else None
            target.add_key_value(field.name, field.contents(), kind, sub_type=inner)
    for tensor in source.tensors:
        weights = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        target.add_tensor(tensor.name, weights)
    target.write_header_to_file()
    target.write_kv_data_to_file()
    target.write_tensors_to_file()
    target.close()


@pytest.fixture(scope="session")
def real(real_folder: Path) -> HuggingFace:
    """Load the real model."""
    return HuggingFace(real_folder, device="cpu")


@pytest.fixture(scope="session")
def unrounded(real_folder: Path) -> LlamaCpp:
    """Load the same weights in llama.cpp."""
    gguf = pytest.importorskip("gguf")
    filelock = pytest.importorskip("filelock")
    file = real_folder / "f32.gguf"
    with filelock.FileLock(file.with_suffix(".lock")):
        if not (real_folder / "f32.done").exists():
            save_for_llama_cpp(file, gguf)
            (real_folder / "f32.done").touch()
    return LlamaCpp(file, n_context=1024, n_threads=1)


CAPITAL = "The capital of France is"


def test_as_llama_cpp_has_it(real: HuggingFace, llm: LlamaCpp, unrounded: LlamaCpp) -> None:
    """Both libraries agree; with 4-bit weights, llama.cpp also rounds what its layers pass on."""
    prompts = [CAPITAL, "Two and two make", "The opposite of hot is", ""]
    answers = [" Paris", " London", " New York City", " New", " four", " cold"]
    found = real.log_probabilities(prompts, answers)
    assert found == pytest.approx(unrounded.log_probabilities(prompts, answers), rel=0, abs=0.03)
    assert found == pytest.approx(llm.log_probabilities(prompts, answers), rel=0, abs=0.6)
    assert found[0, 0] == pytest.approx(-0.258, abs=2e-3)


def test_a_game(real: HuggingFace, llm: LlamaCpp, unrounded: LlamaCpp) -> None:
    """A game has the same values, in both libraries."""
    template = (
        "Review: A warm and funny film.\nSentiment: positive\n\n"
        "Review: The jokes fall flat.\nSentiment: negative\n\nReview: {text}\nSentiment:"
    )
    text = "The actors do what they can, but it is never more than a tired copy."
    target = Labels("positive", "negative")
    masks = np.random.default_rng(0).random((40, 15)) < 0.5
    own, same, rounded = (
        PromptGame(template, text=text, model=model, target=target).value_function(masks)
        for model in (real, unrounded, llm)
    )
    assert own == pytest.approx(same, rel=0, abs=0.03)
    assert np.corrcoef(own, same)[0, 1] > 0.999
    assert np.corrcoef(own, rounded)[0, 1] > 0.97


def test_real_answers(real: HuggingFace) -> None:
    """The model knows what it says, as text and as chat."""
    assert real.generate([CAPITAL, "2 + 2 ="], 3)[0].startswith(" Paris")
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    answers = real.generate([messages, CAPITAL], 20)
    assert answers[0] == "The capital of France is Paris."
    found = real.log_probabilities([messages], [" The capital of France is", " No"])
    assert found[0, 0] > found[0, 1]


def test_real_tokens(real: HuggingFace) -> None:
    """Words are tokens with the space before them, and characters are whole."""
    assert real.tokens(f"{CAPITAL} Paris.") == [
        "The",
        " capital",
        " of",
        " France",
        " is",
        " Paris",
        ".",
    ]
    assert "🙂" in real.tokens("a🙂 b")
    assert "".join(real.tokens("漢字 🙂👩‍👩‍👧")) == "漢字 🙂👩‍👩‍👧"
