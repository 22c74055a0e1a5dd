"""Real language models for the tests of games, and small random transformers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from shapiq_spex.games import HuggingFace, LlamaCpp, small_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

WORDS = [
    *[
        "never",
        "fails",
        "good",
        "bad",
        "dull",
        "film",
        "is",
        "a",
        "this",
        "that",
        "positive",
        "negative",
        ":",
    ],
    *"bcdefgh",
]
N_LAYERS, N_HEADS, HEAD_SIZE = 3, 4, 8
SIZES = {
    "vocab_size": 40,
    "hidden_size": N_HEADS * HEAD_SIZE,
    "intermediate_size": 48,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": N_HEADS,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,  # so that attention matters
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GROUPED = SIZES | {"num_key_value_heads": 2, "head_dim": HEAD_SIZE}
GPT2 = {
    "vocab_size": 40,
    "n_embd": N_HEADS * HEAD_SIZE,
    "n_layer": N_LAYERS,
    "n_head": N_HEADS,
    "n_positions": 64,
    "initializer_range": 0.3,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
T5 = {
    "vocab_size": 40,
    "d_model": N_HEADS * HEAD_SIZE,
    "d_kv": HEAD_SIZE,
    "d_ff": 48,
    "num_layers": N_LAYERS,
    "num_heads": N_HEADS,
}
MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", GPT2),
    "llama": ("LlamaForCausalLM", "LlamaConfig", GROUPED),
    "gemma": ("Gemma2ForCausalLM", "Gemma2Config", GROUPED | {"sliding_window": 6}),
    "qwen": ("Qwen3ForCausalLM", "Qwen3Config", GROUPED | {"head_dim": 16}),
    "mistral": ("MistralForCausalLM", "MistralConfig", GROUPED | {"sliding_window": 6}),
    "minimax": ("MiniMaxForCausalLM", "MiniMaxConfig", GROUPED | {"num_local_experts": 2}),
    "codegen": ("CodeGenForCausalLM", "CodeGenConfig", GPT2 | {"rotary_dim": 4}),
    "gemma3n": (
        "Gemma3nForCausalLM",
        "Gemma3nTextConfig",
        GROUPED | {"vocab_size_per_layer_input": 40, "num_kv_shared_layers": 0},
    ),
    "falcon": ("FalconForCausalLM", "FalconConfig", SIZES),
    "bert": ("BertModel", "BertConfig", SIZES),
    "bert-classifier": ("BertForSequenceClassification", "BertConfig", SIZES | {"num_labels": 3}),
    "bert-masked": ("BertForMaskedLM", "BertConfig", SIZES),
    "bert-regressor": ("BertForSequenceClassification", "BertConfig", SIZES | {"num_labels": 1}),
    "distilbert": (
        "DistilBertModel",
        "DistilBertConfig",
        {"vocab_size": 40, "dim": 32, "hidden_dim": 48, "n_layers": N_LAYERS, "n_heads": N_HEADS},
    ),
    "albert": ("AlbertModel", "AlbertConfig", SIZES | {"embedding_size": 16}),
    "t5-encoder": ("T5EncoderModel", "T5Config", T5),
    "mt5-encoder": ("MT5EncoderModel", "MT5Config", T5),
    "deberta": (
        "DebertaV2Model",
        "DebertaV2Config",
        SIZES | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    ),
    "longformer": ("LongformerModel", "LongformerConfig", SIZES | {"attention_window": 4}),
    "modernbert": (
        "ModernBertModel",
        "ModernBertConfig",
        SIZES | {"cls_token_id": 1, "sep_token_id": 2, "local_attention": 4},
    ),
    "convbert": ("ConvBertModel", "ConvBertConfig", SIZES | {"embedding_size": 32}),
    "xlnet": (
        "XLNetModel",
        "XLNetConfig",
        {"vocab_size": 40, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48},
    ),
    "funnel": (
        "FunnelModel",
        "FunnelConfig",
        {"vocab_size": 40, "block_sizes": [1, 1], "d_model": 32, "n_head": 4, "d_head": 8},
    ),
    "t5": (
        "T5Model",
        "T5Config",
        {"vocab_size": 40, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4},
    ),
    "mamba": (
        "MambaForCausalLM",
        "MambaConfig",
        {"vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 2},
    ),
}


@pytest.fixture(scope="session")
def model_file() -> Path:
    """Find the weights that the extra ``demo`` installs."""
    return small_model()


@pytest.fixture(scope="session")
def llm(model_file: Path) -> LlamaCpp:
    """Load the model once, on one thread so that test processes do not wait for each other."""
    return LlamaCpp(model_file, n_context=1024, n_threads=1)


@pytest.fixture(scope="session")
def real_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read the same weights once for all test processes, and write them for transformers."""
    transformers = pytest.importorskip("transformers")
    filelock = pytest.importorskip("filelock")
    for needed in ("torch", "accelerate", "gguf"):
        pytest.importorskip(needed)
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder = root / "smollm2"
    with filelock.FileLock(root / "smollm2.lock"):
        if not (folder / "done").exists():
            file = small_model()
            read = HuggingFace(file.parent, gguf_file=file.name, device="cpu")
            settings = read.model.config.to_dict()
            settings.pop("quantization_config", None)
            plain = transformers.LlamaForCausalLM(transformers.LlamaConfig(**settings))
            plain.load_state_dict(read.model.state_dict())
            plain.save_pretrained(folder)
            read.tokenizer.save_pretrained(folder)
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def make_model() -> Callable[[str], Any]:
    """Return what makes a small random model by its name."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.set_num_threads(1)

    def make(name: str) -> Any:  # noqa: ANN401 transformers is untyped here
        kind, config, options = MODELS[name]
        torch.manual_seed(0)
        return getattr(transformers, kind)(getattr(transformers, config)(**options)).eval()

    return make


@pytest.fixture(scope="session")
def tokenizer() -> Any:  # noqa: ANN401 transformers is untyped here
    """Return a tokenizer of whole words."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    known = {"[PAD]": 0, "[UNK]": 3} | {word: place for place, word in enumerate(WORDS, start=4)}
    own = tokenizers.Tokenizer(tokenizers.models.WordLevel(known, unk_token="[UNK]"))  # noqa: S106 no password
    own.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=own,
        unk_token="[UNK]",  # noqa: S106 no password
        pad_token="[PAD]",  # noqa: S106 no password
        model_max_length=64,
    )
