"""Tests of finding out how work may be saved: never by saying something else."""

# ruff: noqa: ANN401 - transformers is untyped here

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from shapiq_spex.games import Classification, HeadAblationGame, layers
from shapiq_spex.games.heads._ways import Ways
from shapiq_spex.games.tasks.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Make = Callable[[str], Any]

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.torch

TEXTS = ["never fails a film", "this is bad", "b c d e f good film is a dull", "good film", "b c"]
PROBE = Probe((0, 1), np.random.default_rng(0).normal(size=(2, 32)), np.zeros(2), "mean")
PROBED = Classification(TEXTS, [1, 0, 1, 1, 0], probe=PROBE)
SHOTS = "that film is good : positive this film is dull : negative "
WORDS = (" negative", " positive")
FEW_SHOT = Classification(TEXTS, [1, 0, 1, 1, 0], words=WORDS, template=SHOTS + "{text} :")


def draw(game: HeadAblationGame) -> NDArray[np.bool_]:
    """Draw masks, among them some that agree on the lower layers."""
    masks = np.random.default_rng(0).random((3, game.n_players)) < 0.5
    near = masks[[0, 0, 1]]
    near[:, -4:] ^= [[True, False, False, False], [True] * 4, [False, True, True, False]]
    return np.vstack([masks, near])


def without(game: HeadAblationGame, mask: NDArray[np.bool_]) -> Any:
    """Return a copy of the game's model with weights that are zero after some heads."""
    model = copy.deepcopy(game._model)
    for (layer, head), on in zip(game.heads, mask, strict=True):
        if not on:
            found = game._layers[layer]
            part = slice(head * found.head_size, (head + 1) * found.head_size)
            weight = model.get_submodule(found.projection_name).weight.data
            if type(found.projection).__name__ == "Conv1D":
                weight[part] = 0
            else:
                weight[:, part] = 0
    return model


def read_rows(game: HeadAblationGame, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return what is read of each row in a pass of its own, weights being zeroed by hand."""
    model, prepared = without(game, mask), game._evaluator.prepared
    assert prepared is not None
    found = []
    for place, row in enumerate(prepared.rows):
        ids = torch.tensor([row])
        reader = prepared.reader
        with torch.no_grad(), reader.reading(model, [place], 1, 0):
            output = model(input_ids=ids, attention_mask=torch.ones_like(ids))
        found.append(reader.read(output, [place], torch.ones_like(ids))[0].double().numpy())
    return np.concatenate(found)


@pytest.mark.parametrize("heads", ["all", layers(1, 2), layers(2)], ids=["all", "upper", "last"])
@pytest.mark.parametrize(
    ("name", "skips"),
    [
        ("bert", True),
        ("distilbert", True),
        ("deberta", True),
        ("longformer", False),
        ("modernbert", True),
        ("t5-encoder", False),
        ("mt5-encoder", False),
    ],
)
def test_encoders(make_model: Make, tokenizer: Any, name: str, *, skips: bool, heads: Any) -> None:
    """Every encoder says what it says one text at a time; where it may, work is saved."""
    game = HeadAblationGame(make_model(name), PROBED, tokenizer=tokenizer, heads=heads)
    masks = draw(game)
    expected = [read_rows(game, mask) for mask in masks]
    assert game.outputs(masks) == pytest.approx(np.array(expected), abs=1e-4)
    assert game._evaluator.ways == Ways(skips=skips, shares=False)
    # stores from before may hold what came out of skipped layers
    assert ("skips" in game.fingerprint) == (not skips)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_rounding_hides_nothing(make_model: Make, tokenizer: Any, dtype: str) -> None:
    """In few digits, too, a layer that others need is not skipped, and others are."""
    for name, skips in (("t5-encoder", False), ("mt5-encoder", False), ("bert", True)):
        model = make_model(name).to(getattr(torch, dtype))
        game = HeadAblationGame(model, PROBED, tokenizer=tokenizer)
        assert game._evaluator.ways == Ways(skips=skips, shares=False)


@pytest.mark.parametrize("name", ["gpt2", "llama", "mistral"])
def test_decoders_share(make_model: Make, tokenizer: Any, name: str) -> None:
    """Language models are given nothing twice."""
    game = HeadAblationGame(make_model(name), FEW_SHOT, tokenizer=tokenizer)
    assert game._evaluator.ways == Ways()


@pytest.mark.parametrize("ablation", ["zero", "mean", "resample"])
def test_rows_that_cannot_be_padded(make_model: Make, tokenizer: Any, ablation: Any) -> None:
    """A model that attends to padding is given one row at a time, whatever stands for heads."""

    class Unmasked(transformers.BertModel):
        """Attends to all there is."""

        def forward(self, input_ids: Any, attention_mask: Any = None, **options: Any) -> Any:
            """Forget the mask."""
            del attention_mask
            return super().forward(input_ids=input_ids, **options)

    model = Unmasked(make_model("bert").config).eval()
    game = HeadAblationGame(model, PROBED, tokenizer=tokenizer, ablation=ablation)
    assert not game._evaluator.ways.batches
    masks = draw(game)
    whole = game.outputs(masks)
    alone = HeadAblationGame(
        model, PROBED, tokenizer=tokenizer, ablation=ablation, max_tokens=1
    ).outputs(masks)
    assert np.array_equal(whole, alone)
    if ablation == "zero":
        expected = [read_rows(game, mask) for mask in masks]
        assert whole == pytest.approx(np.array(expected), abs=1e-5)


def test_beginnings_that_cannot_be_shared(make_model: Make, tokenizer: Any) -> None:
    """A model that counts positions anew after what it remembers is given whole rows."""

    class Restarting(transformers.GPT2LMHeadModel):
        """Counts from 0 in each pass."""

        def forward(self, input_ids: Any, **options: Any) -> Any:
            """Count anew."""
            places = torch.arange(input_ids.shape[1])[None]
            return super().forward(input_ids=input_ids, position_ids=places, **options)

    model = Restarting(make_model("gpt2").config).eval()
    game = HeadAblationGame(model, FEW_SHOT, tokenizer=tokenizer)
    assert game._evaluator.ways == Ways(shares=False)
    masks = draw(game)
    expected = [read_rows(game, mask) for mask in masks]
    assert game.outputs(masks) == pytest.approx(np.array(expected), abs=1e-5)


def test_nothing_is_left_behind(make_model: Make, tokenizer: Any) -> None:
    """The model is as it was once the ways were tried, whether they work or not."""
    for name in ("bert", "t5-encoder"):
        model = make_model(name)
        HeadAblationGame(model, PROBED, tokenizer=tokenizer)
        for module in model.modules():
            assert not module._forward_pre_hooks
            assert "forward" not in vars(module)
