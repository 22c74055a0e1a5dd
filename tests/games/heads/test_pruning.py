"""Tests of pruning: a pruned model does as the model whose heads are switched off."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from shapiq_spex import Subset
from shapiq_spex.games import HeadAblationGame, apply_pruning, describe_pruning, layers
from shapiq_spex.games.heads._ablation import as_switches, switching
from shapiq_spex.games.heads._structure import find_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

os.environ["HF_HUB_OFFLINE"] = "1"
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.torch

# of pairs that share keys: one each, whole pairs, unequal ones, none, all
MASK = np.array(
    [
        [1, 0, 1, 0, 0, 1],
        [1, 1, 0, 0, 1, 1],
        [1, 1, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1],
    ],
    dtype=bool,
)
LAYERS, HEADS, SIZE = 5, 6, 4
SIZES = {
    "vocab_size": 50,
    "hidden_size": HEADS * SIZE,
    "intermediate_size": 16,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 3,
    "head_dim": SIZE,
    "max_position_embeddings": 32,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
EMBEDDED = {"n_embd": HEADS * SIZE, "n_layer": LAYERS, "n_head": HEADS, "n_positions": 32}
GPT2 = {key: SIZES[key] for key in ("vocab_size", "initializer_range", "eos_token_id")} | EMBEDDED
FALCON = {key: SIZES[key] for key in SIZES if not key.startswith(("head_dim", "num_key"))} | {
    "num_kv_heads": 3,
    "new_decoder_architecture": True,
}

MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", GPT2),
    "llama": ("LlamaForCausalLM", "LlamaConfig", SIZES | {"attention_bias": True}),
    "qwen3": ("Qwen3ForCausalLM", "Qwen3Config", SIZES),
    "gemma2": ("Gemma2ForCausalLM", "Gemma2Config", SIZES),
    "mistral": ("MistralForCausalLM", "MistralConfig", SIZES),
    "phi3": ("Phi3ForCausalLM", "Phi3Config", SIZES),
    "gpt-neox": ("GPTNeoXForCausalLM", "GPTNeoXConfig", SIZES),
    "falcon": ("FalconForCausalLM", "FalconConfig", FALCON),
    "gpt-oss": ("GptOssForCausalLM", "GptOssConfig", SIZES | {"num_local_experts": 4}),
    "bert": ("BertModel", "BertConfig", SIZES),
    "bert-classifier": ("BertForSequenceClassification", "BertConfig", SIZES),
    "olmo2": ("Olmo2ForCausalLM", "Olmo2Config", SIZES),
    "gemma4": (
        "Gemma4ForCausalLM",
        "Gemma4TextConfig",
        SIZES
        | {
            "num_kv_shared_layers": 2,
            "layer_types": ["full_attention"] * LAYERS,
            "global_head_dim": SIZE,
            "vocab_size_per_layer_input": 50,
            "hidden_size_per_layer_input": 4,
        },
    ),
    "mpt": (
        "MptForCausalLM",
        "MptConfig",
        {"vocab_size": 50, "d_model": HEADS * SIZE, "n_layers": LAYERS, "n_heads": HEADS},
    ),
}
# a norm over all heads, a bias of positions for each, keys that layers share
MASKED = {"olmo2", "mpt", "gemma4"}
REMOVED = sorted(set(MODELS) - MASKED)
WARNED = pytest.mark.filterwarnings("ignore:Heads of some layers are switched off:UserWarning")


@pytest.fixture(scope="module", autouse=True)
def _alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compute on one core, and keep transformers' copies of code among the tests' files."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        cache = str(tmp_path_factory.mktemp("modules"))
        patch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", cache)
        yield


def make(name: str, **options: Any) -> Any:  # noqa: ANN401 transformers is untyped here
    """Make a random model, whose biases and norms are random, too."""
    made, config, sizes = MODELS[name]
    torch.manual_seed(0)
    model = getattr(transformers, made)(getattr(transformers, config)(**sizes | options)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 1:
                weight.add_(0.2 * torch.randn_like(weight))
    return model


@torch.no_grad()
def run(model: Any) -> Any:  # noqa: ANN401 transformers is untyped here
    """Return a model's output for some tokens, the second row shorter."""
    ids = torch.arange(3, 21).view(2, 9)
    attended = torch.ones_like(ids)
    attended[1, 6:] = 0
    return model(input_ids=ids, attention_mask=attended)[0][:, :6]


def switched_off(
    model: Any,  # noqa: ANN401 transformers is untyped here
    mask: NDArray[np.bool_],
    *,
    rescale: bool = False,
    what: Callable[[Any], Any] = run,
) -> Any:  # noqa: ANN401 transformers is untyped here
    """Return the same with heads switched off in the pass."""
    switches = [as_switches(torch.as_tensor(on)[None], rescale=rescale) for on in mask]
    with switching(find_layers(model), switches):
        return what(model)


def count(model: Any) -> int:  # noqa: ANN401 transformers is untyped here
    """Return how many weights a model has."""
    return sum(weight.numel() for weight in model.parameters())


def load(model: Any, folder: Path) -> Any:  # noqa: ANN401 transformers is untyped here
    """Save a model, and load it as transformers does."""
    model.save_pretrained(folder)
    auto = getattr(transformers, getattr(model, "_auto_class", None) or "AutoModelForCausalLM")
    return auto.from_pretrained(folder, trust_remote_code=True)


@WARNED
@pytest.mark.parametrize("rescale", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_pruned_models_do_as_those_with_heads_switched_off(
    name: str,
    rescale: bool,  # noqa: FBT001 a case
) -> None:
    """So they do for all architectures, with and without making up for what is missing."""
    model = make(name)
    pruned = apply_pruning(model, MASK.ravel(), rescale=rescale)
    expected = switched_off(model, MASK, rescale=rescale)
    torch.testing.assert_close(run(pruned), expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(expected, run(model), atol=1e-3)
    assert isinstance(pruned, type(model))


@pytest.mark.parametrize("name", REMOVED)
def test_heads_are_removed(name: str) -> None:
    """What they were computed by is gone."""
    model = make(name)
    pruned = apply_pruning(model, MASK.ravel())
    # one stays where none is kept, as matrices need some width
    assert [layer.n_heads for layer in find_layers(pruned)] == [3, 4, 3, 1, 6]
    # queries and output projections of 13 heads at least
    assert count(model) - count(pruned) >= 2 * 13 * SIZE * model.config.hidden_size
    assert getattr(pruned.config, "masked_heads", None) is None


def test_keys_and_values_that_no_head_uses_are_removed() -> None:
    """Those of groups without any head; unequal groups get copies of the same."""
    pruned = apply_pruning(make("llama"), MASK.ravel())
    attentions = [layer.self_attn for layer in pruned.model.layers]
    assert [a.k_proj.weight.shape[0] // SIZE for a in attentions] == [3, 2, 2, 1, 3]
    assert [a.v_proj.bias.shape[0] // SIZE for a in attentions] == [3, 2, 2, 1, 3]
    assert [a.num_key_value_groups for a in attentions] == [1, 2, 1, 1, 2]
    assert attentions[2].k_proj.order == [0, 0, 1]


@WARNED
@pytest.mark.parametrize("name", [n for n in MODELS if "bert" not in n])
def test_pruned_models_write_the_same(name: str) -> None:
    """They keep keys and values of earlier tokens as others do."""

    def write(model: Any) -> Any:  # noqa: ANN401 transformers is untyped here
        ids = torch.arange(3, 9)[None]
        return model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=12,
            min_new_tokens=12,
            do_sample=False,
            pad_token_id=0,
        )

    model = make(name)
    pruned = apply_pruning(model, MASK.ravel())
    assert torch.equal(write(pruned), switched_off(model, MASK, what=write))


@WARNED
@pytest.mark.parametrize("name", MODELS)
def test_pruned_models_are_saved_and_loaded(name: str, tmp_path: Path) -> None:
    """Their outputs stay the same to the bit."""
    pruned = apply_pruning(make(name), MASK.ravel())
    loaded = load(pruned, tmp_path)
    assert torch.equal(run(loaded), run(pruned))
    for plan in ("kept_heads", "masked_heads"):
        assert getattr(loaded.config, plan, None) == getattr(pruned.config, plan, None)
    again = load(loaded, tmp_path / "again")
    assert torch.equal(run(again), run(pruned))
    # where nothing could be removed, no code is needed
    assert (tmp_path / "modeling_pruned_heads.py").exists() == (name not in MASKED)


def test_pruned_models_are_loaded_without_this_package(tmp_path: Path) -> None:
    """The code that is saved needs nothing of it."""
    pruned = apply_pruning(make("llama"), MASK.ravel())
    pruned.save_pretrained(tmp_path / "model")
    torch.save(run(pruned), tmp_path / "expected")
    code = f"""
import sys
sys.modules["shapiq_spex"] = None  # no import of it succeeds
import torch
from transformers import AutoModelForCausalLM
torch.set_num_threads(1)
model = AutoModelForCausalLM.from_pretrained({str(tmp_path / "model")!r}, trust_remote_code=True)
ids = torch.arange(3, 21).view(2, 9)
attended = torch.ones_like(ids)
attended[1, 6:] = 0
with torch.no_grad():
    found = model(input_ids=ids, attention_mask=attended)[0][:, :6]
assert torch.equal(found, torch.load({str(tmp_path / "expected")!r}))
"""
    cache = {"HF_MODULES_CACHE": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | cache)  # noqa: S603 our own code


def test_other_classes_of_the_same_model_are_loaded_pruned(tmp_path: Path) -> None:
    """As the model without the layer that predicts tokens."""
    pruned = apply_pruning(make("gpt2"), MASK.ravel())
    pruned.save_pretrained(tmp_path)
    loaded = transformers.AutoModel.from_pretrained(tmp_path, trust_remote_code=True)
    assert type(loaded).__name__ == "PrunedGPT2Model"
    assert torch.equal(run(loaded), run(pruned.transformer))


def test_loading_without_the_code_fails(tmp_path: Path) -> None:
    """Rather than leaving weights random."""
    apply_pruning(make("gpt2"), MASK.ravel()).save_pretrained(tmp_path)
    with pytest.raises(RuntimeError):
        transformers.AutoModelForCausalLM.from_pretrained(tmp_path)


@WARNED
@pytest.mark.parametrize("name", ["gpt2", "llama", "phi3", "bert", "olmo2"])
def test_pruned_models_can_be_pruned_again(name: str, tmp_path: Path) -> None:
    """In steps as at once, also when they were saved in between."""
    model = make(name)
    first = MASK.copy()
    first[0] = first[1, 2] = first[2, 4] = True
    pruned = load(apply_pruning(model, first.ravel()), tmp_path / "first")
    left = [layer.n_heads for layer in find_layers(pruned)]
    then = [
        on[before] if n == before.sum() else on[:n]
        for on, before, n in zip(MASK, first, left, strict=True)
    ]
    pruned = apply_pruning(pruned, np.concatenate(then))
    at_once = apply_pruning(model, MASK.ravel())
    torch.testing.assert_close(run(pruned), run(at_once), atol=1e-5, rtol=1e-5)
    assert count(pruned) == count(at_once)
    assert torch.equal(run(load(pruned, tmp_path / "then")), run(pruned))


@pytest.mark.parametrize("name", ["gpt2", "llama", "bert"])
def test_the_model_stays_as_it_is(name: str) -> None:
    """Its weights, its settings and its mode, and no hook stays."""
    model = make(name).train()
    before = copy.deepcopy(model)
    pruned = apply_pruning(model, MASK.ravel())
    assert type(model) is type(before)
    assert model.config.to_dict() == before.config.to_dict()
    assert all(module.training for module in (*model.modules(), *pruned.modules()))
    for module in (*model.modules(), *pruned.modules()):
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert str(model) == str(before)
    kept = before.state_dict()
    assert all(torch.equal(weight, kept[key]) for key, weight in model.state_dict().items())
    own = {weight.data_ptr() for weight in model.parameters()}
    assert not any(weight.data_ptr() in own for weight in pruned.parameters())


def test_the_type_of_weights_stays_as_it_is() -> None:
    """And whether they are trained."""
    model = make("llama").to(torch.bfloat16)
    model.requires_grad_(requires_grad=False)
    pruned = apply_pruning(model, MASK.ravel(), rescale=True)
    assert {weight.dtype for weight in pruned.parameters()} == {torch.bfloat16}
    assert not any(weight.requires_grad for weight in pruned.parameters())
    assert count(pruned) < count(model)


def test_pruned_models_can_be_trained() -> None:
    """Gradients reach what is left."""
    pruned = apply_pruning(make("llama"), MASK.ravel())
    ids = torch.arange(3, 12)[None]
    pruned(input_ids=ids, labels=ids).loss.backward()
    assert pruned.model.layers[2].self_attn.k_proj.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", sorted(MASKED))
def test_heads_that_cannot_be_removed_are_named(name: str) -> None:
    """They are switched off by weights, and the model stays an ordinary one."""
    model = make(name)
    with pytest.warns(UserWarning, match=r"switched off, but not removed.*: 0, 1, 2"):
        pruned = apply_pruning(model, MASK.ravel())
    assert type(pruned) is type(model)
    assert set(pruned.config.masked_heads) == {"0", "1", "2", "3"}
    assert "layer 1 are switched off, not removed" in str(describe_pruning(model, pruned))


@WARNED
def test_heads_of_classes_that_cannot_be_loaded_are_switched_off(tmp_path: Path) -> None:
    """Saved code can only find the classes of transformers."""

    class Own(transformers.GPT2LMHeadModel):  # type: ignore[misc]
        pass

    model = make("gpt2")
    model.__class__ = Own
    pruned = apply_pruning(model, MASK.ravel())
    assert "Own is no class" in pruned.config.masked_heads["0"]
    pruned.save_pretrained(tmp_path)
    loaded = transformers.GPT2LMHeadModel.from_pretrained(tmp_path)
    torch.testing.assert_close(run(loaded), switched_off(model, MASK), atol=1e-5, rtol=1e-5)


def test_plans_may_be_of_some_heads() -> None:
    """The others are kept."""
    model = make("gpt2")
    heads = [(0, 3), (2, 1), (0, 0), (2, 5)]
    plan = Subset(np.array([True, False, False, True]), value=1.0, bound=1.0, gap=0.0)
    pruned = apply_pruning(model, plan, heads=heads)
    mask = np.ones_like(MASK)
    mask[2, 1] = mask[0, 0] = False
    torch.testing.assert_close(run(pruned), switched_off(model, mask), atol=1e-5, rtol=1e-5)
    assert [step["heads"] for step in pruned.config.kept_heads] == [
        [1, 2, 3, 4, 5],
        [0, 2, 3, 4, 5],
    ]


def test_pruned_models_are_what_games_said() -> None:
    """The value of a mask is that of the model pruned by it."""
    model = make("llama")
    game = HeadAblationGame(
        model, lambda within: float(run(within)[0, 5, 7]), heads=layers(0, 2), rescale=True
    )
    mask = MASK[[0, 2]].ravel()
    pruned = apply_pruning(model, mask, heads=game.heads, rescale=True)
    assert float(run(pruned)[0, 5, 7]) == pytest.approx(game(mask[None])[0], abs=1e-5)
    assert [step["layer"] for step in pruned.config.kept_heads] == [0, 2]


def test_keeping_all_heads_copies_the_model() -> None:
    """Nothing is removed, and the class stays."""
    model = make("gpt2")
    pruned = apply_pruning(model, np.ones(MASK.size, dtype=bool))
    assert pruned is not model
    assert type(pruned) is type(model)
    assert torch.equal(run(pruned), run(model))


def test_reports_say_what_pruning_saves() -> None:
    """Weights, heads and time, and where heads are left in vain."""
    model = make("gpt2")
    pruned = apply_pruning(model, MASK.ravel())
    report = describe_pruning(model, pruned, repeats=1)
    assert report.parameters == (count(model), count(pruned))
    assert report.heads == (30, 17)
    assert all(seconds > 0 for seconds in report.seconds)
    assert report.masked == {}
    assert report.emptied == (3,)
    assert "heads: 30 before, 17 after (-43.3%)" in str(report)
    assert "layer 3 has no head" in str(report)


@pytest.mark.parametrize(
    ("plan", "options", "said"),
    [
        (np.ones(4, dtype=bool), {}, "pass heads=game.heads"),
        (MASK.ravel(), {"heads": [(0, 0)]}, "pass heads=game.heads"),
        (np.ones(30), {}, "boolean mask"),
        (MASK, {}, "boolean mask"),
        (np.ones(1, dtype=bool), {"heads": [(0, 6)]}, "no head in layer 0, 6"),
        (MASK.ravel(), {"heads": "some"}, "must be 'all'"),
    ],
)
def test_plans_that_do_not_go_with_heads_are_errors(
    plan: NDArray[Any], options: dict[str, Any], said: str
) -> None:
    """They say what to pass."""
    with pytest.raises(ValueError, match=said):
        apply_pruning(make("gpt2"), plan, **options)


def write_gguf(path: Path) -> None:
    """Write a small Llama of 8-bit weights, which transformers unpacks as it reads them."""
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_context_length(32)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(32)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(8)
    writer.add_vocab_size(50)
    attention = {"attn_q": 32, "attn_k": 16, "attn_v": 16, "attn_output": 32}
    widths = attention | {"ffn_gate": 32, "ffn_up": 32, "ffn_down": 32}
    shapes = {f"blk.{i}.{name}.weight": width for i in range(2) for name, width in widths.items()}
    rng, packed = np.random.default_rng(0), gguf.GGMLQuantizationType.Q8_0
    for name, rows in (shapes | {"token_embd.weight": 50, "output.weight": 50}).items():
        weights = rng.normal(size=(rows, 32)).astype(np.float32)
        writer.add_tensor(name, gguf.quantize(weights, packed), raw_dtype=packed)
    norms = [f"blk.{i}.{name}_norm.weight" for i in range(2) for name in ("attn", "ffn")]
    for name in (*norms, "output_norm.weight"):
        writer.add_tensor(name, np.ones(32, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_weights_unpacked_from_a_gguf_file_can_be_cut(tmp_path: Path) -> None:
    """Transformers still calls them quantized; what is pruned is not, and can be saved."""
    write_gguf(tmp_path / "small.gguf")
    model = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, gguf_file="small.gguf", dtype=torch.float32
    ).eval()
    assert model.hf_quantizer is not None
    mask = np.array([1, 0, 1, 0, 1, 1, 0, 0], dtype=bool)
    pruned = apply_pruning(model, mask)
    pruned.save_pretrained(tmp_path / "pruned")
    loaded = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "pruned", trust_remote_code=True
    )
    ids = torch.arange(6)[None]
    kept = [as_switches(torch.as_tensor(each)[None], rescale=False) for each in mask.reshape(2, 4)]
    with torch.no_grad(), switching(find_layers(model), kept):
        expected = model(input_ids=ids).logits
    with torch.no_grad():
        torch.testing.assert_close(pruned(input_ids=ids).logits, expected)
        torch.testing.assert_close(loaded(input_ids=ids).logits, expected)
    assert model.hf_quantizer is not None


def test_models_that_cannot_be_pruned_are_errors() -> None:
    """Those of other libraries, and those whose weights are packed or elsewhere."""
    with pytest.raises(ValueError, match="Linear"):
        apply_pruning(torch.nn.Linear(2, 2), MASK.ravel())
    model = make("gpt2")
    model.hf_quantizer = object()
    with pytest.raises(ValueError, match="Quantized"):
        apply_pruning(model, MASK.ravel())
    with pytest.raises(ValueError, match="not in memory"):
        apply_pruning(make("gpt2").to("meta"), MASK.ravel())
    with pytest.raises(ValueError, match="repeats"):
        describe_pruning(model, model, repeats=0)
