"""Faithfulness is the share of the variance that an explanation predicts, with an interval."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapiq

from shapiq_spex import SPEX, FourierSpectrum, ProxySPEX, StoredGame, faithfulness
from shapiq_spex.evaluation._masks import draw_test_masks


def _spectrum(n: int, seed: int = 0) -> FourierSpectrum:
    rng = np.random.default_rng(seed)
    support = [(), *((i,) for i in range(n)), *itertools.combinations(range(min(n, 6)), 2)]
    return FourierSpectrum(n, support, rng.normal(size=len(support)))


def test_share_of_the_energy_over_all_masks() -> None:
    """Over all masks, R² of the single players is their share of the squared coefficients."""
    game = _spectrum(8)
    energy = game.energy_by_order()
    found = faithfulness(game.truncate(max_order=1), game, n_masks=256)
    assert found.exact
    assert found.r2 == pytest.approx(energy[1] / energy[1:].sum(), abs=1e-12)
    assert found.low == found.high == found.r2
    assert found.n_masks == 256


def test_interaction_values_and_spectra() -> None:
    """Both say the same where the index holds the whole spectrum."""
    game = _spectrum(8)
    for index in ("FBII", "FSII", "STII", "k-SII", "SII", "BII"):
        values = game.to_interaction_values(index, 2)  # type: ignore[arg-type]
        assert faithfulness(values, game, n_masks=256).r2 == pytest.approx(1, abs=1e-9)


def test_any_approximator_of_shapiq() -> None:
    """What shapiq's approximators return from all masks predicts what it should."""
    game = _spectrum(8)
    share = game.energy_by_order()
    linear = share[1] / share[1:].sum()
    banzhaf = shapiq.RegressionFBII(8, max_order=1, random_state=0).approximate(256, game)
    assert banzhaf.index == "BV"
    # its empty interaction is not the mean, as that of other Banzhaf values is
    assert faithfulness(banzhaf, game, n_masks=256).r2 == pytest.approx(linear, abs=1e-9)
    shapley = shapiq.KernelSHAP(8, random_state=0).approximate(256, game)
    assert faithfulness(shapley, game, n_masks=256).r2 < linear
    pairs = shapiq.RegressionFBII(8, max_order=2, random_state=0).approximate(256, game)
    assert faithfulness(pairs, game, n_masks=256).r2 == pytest.approx(1, abs=1e-9)


def test_interval_holds_the_truth() -> None:
    """Of many 90% intervals about nine in ten hold the share over all masks."""
    game = _spectrum(12)
    found = game.truncate(max_terms=6)
    truth = faithfulness(found, game, n_masks=1 << 12).r2
    intervals = [
        faithfulness(found, game, n_masks=200, random_state=seed, confidence=0.9)
        for seed in range(60)
    ]
    held = np.mean([each.low <= truth <= each.high for each in intervals])
    assert 0.78 <= held <= 0.98
    assert all(each.low < each.r2 < each.high for each in intervals)


def test_interval_narrows_with_masks() -> None:
    """Ten times the masks give about a third of the width."""
    game = _spectrum(30)
    found = game.truncate(max_terms=20)
    narrow, wide = (
        faithfulness(found, game, n_masks=m, random_state=0, confidence=0.95) for m in (5000, 500)
    )
    ratio = (wide.high - wide.low) / (narrow.high - narrow.low)
    assert 2.2 < ratio < 4.5


def test_seed_decides_all() -> None:
    """The same seed gives the same figures, another one others, and no global state is used."""
    game = _spectrum(30)
    found = game.truncate(max_terms=20)
    first = faithfulness(found, game, n_masks=100, random_state=1)
    np.random.seed(5)  # noqa: NPY002 to show that it does nothing
    assert faithfulness(found, game, n_masks=100, random_state=1) == first
    assert faithfulness(found, game, n_masks=100, random_state=2) != first
    assert faithfulness(found, game, n_masks=100) != faithfulness(found, game, n_masks=100)


@pytest.mark.parametrize("method", [ProxySPEX, SPEX])
def test_masks_are_not_those_of_the_approximators(method: type[ProxySPEX | SPEX]) -> None:
    """With the same seed, what is tested on was not learnt from."""
    asked: list[np.ndarray] = []

    def game(masks: np.ndarray) -> np.ndarray:
        asked.append(np.array(masks))
        return masks[:, 0] + 0.0

    method(40, random_state=3).approximate(500, game)
    learnt = {mask.tobytes() for mask in np.concatenate(asked)}
    tested = draw_test_masks(40, 1000, 3)
    assert not learnt & {mask.tobytes() for mask in tested}


def test_fresh_masks_of_few_players_differ() -> None:
    """Below a million masks none is tested twice."""
    masks = draw_test_masks(10, 900, 0)
    assert len(np.unique(masks, axis=0)) == 900


@pytest.mark.parametrize(("n", "m"), [(3, 8), (3, 100), (10, 1024)])
def test_all_masks_in_order(n: int, m: int) -> None:
    """Where all are tested they come as binary numbers."""
    masks = draw_test_masks(n, m, 7)
    np.testing.assert_array_equal(masks @ (1 << np.arange(n)), np.arange(1 << n))


def test_worse_than_the_mean_is_negative() -> None:
    """An explanation that predicts the opposite has less than nothing."""
    game = _spectrum(6)
    opposite = FourierSpectrum(6, game.sets, -game.coefficients)
    assert faithfulness(opposite, game, n_masks=64).r2 < -1


def test_constant_game_has_no_share() -> None:
    """Of no variance no share can be told."""
    found = faithfulness(_spectrum(5), lambda masks: np.full(len(masks), 3.0))
    assert np.isnan([found.r2, found.low, found.high]).all()


def test_scale_and_level_do_not_matter() -> None:
    """A game in other units, and far from zero, has the same R² and interval."""
    game = _spectrum(30)
    found = game.truncate(max_terms=20)
    first = faithfulness(found, game, n_masks=300, random_state=0)
    for scale, level in ((1e-9, 0.0), (1e9, 1e12)):
        scaled = FourierSpectrum(30, found.sets, scale * found.coefficients)
        moved = np.array(scaled.coefficients)
        moved[0] += level
        other = faithfulness(
            FourierSpectrum(30, scaled.sets, moved),
            lambda masks, a=scale, b=level: a * game.evaluate(masks) + b,
            n_masks=300,
            random_state=0,
        )
        assert [other.r2, other.low, other.high] == pytest.approx(
            [first.r2, first.low, first.high], abs=1e-3 if level else 1e-9
        )


def test_chance_is_told(tmp_path) -> None:  # noqa: ANN001 pytest's
    """A game with repeats says which share no explanation can predict, and none is above that."""
    rng = np.random.default_rng(0)
    signal = _spectrum(20)
    stored = StoredGame(
        lambda masks: signal.evaluate(masks) + rng.normal(size=len(masks)) * 3,
        tmp_path / "noisy.sqlite",
        n_players=20,
        fingerprint="noisy",
        repeats=2,
    )
    found = faithfulness(signal, stored, n_masks=2000, random_state=0)
    assert found.noise is not None
    assert 0.05 < found.noise < 0.95
    assert found.r2 == pytest.approx(1 - found.noise, abs=0.05)
    assert faithfulness(signal, signal, random_state=0).noise is None


def test_skipped_masks_are_left_out(tmp_path) -> None:  # noqa: ANN001 pytest's
    """Masks that the game fails on are not tested."""
    signal = _spectrum(20)

    def game(masks: np.ndarray) -> np.ndarray:
        if masks[:, :3].all(axis=1).any():
            msg = "no answer"
            raise RuntimeError(msg)
        return signal.evaluate(masks)

    stored = StoredGame(
        game,
        tmp_path / "partial.sqlite",
        n_players=20,
        fingerprint="partial",
        on_failure="skip",
    )
    found = faithfulness(signal, stored, n_masks=100, random_state=0)
    assert 70 < found.n_masks < 100
    assert found.r2 == pytest.approx(1)


def test_what_it_shows() -> None:
    """The text has the figure, its interval and what it rests on."""
    game = _spectrum(30)
    text = str(faithfulness(game, game, n_masks=100, random_state=0))
    assert text == "R² = 1.000 (95% interval 1.000 to 1.000) on 100 masks"
    assert str(faithfulness(_spectrum(5), _spectrum(5))) == "R² = 1.000 over all 32 masks"
    assert float(faithfulness(game, game, n_masks=100)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_masks": 1}, "n_masks must be at least 2, got 1"),
        ({"confidence": 1.0}, "confidence must be between 0 and 1"),
    ],
)
def test_numbers_out_of_range(options: dict[str, float], message: str) -> None:
    """Numbers that make no sense are refused."""
    with pytest.raises(ValueError, match=message):
        faithfulness(_spectrum(5), _spectrum(5), **options)  # type: ignore[arg-type]


def test_what_is_no_explanation() -> None:
    """Anything else is refused by its name."""
    with pytest.raises(ValueError, match="got ProxySPEX"):
        faithfulness(ProxySPEX(5), _spectrum(5))  # type: ignore[arg-type]


def test_game_of_other_players() -> None:
    """A game of shapiq has to have the same players."""

    class Six(shapiq.Game):
        def value_function(self, coalitions: np.ndarray) -> np.ndarray:
            return coalitions[:, 0] + 0.0

    with pytest.raises(ValueError, match="5 players, but the game has 6"):
        faithfulness(_spectrum(5), Six(n_players=6, normalize=False))


def test_too_few_values(tmp_path) -> None:  # noqa: ANN001 pytest's
    """Where the game fails on all masks, there is nothing to tell."""

    def fail(masks: np.ndarray) -> np.ndarray:
        raise RuntimeError(str(len(masks)))

    stored = StoredGame(
        fail, tmp_path / "none.sqlite", n_players=5, fingerprint="none", on_failure="skip"
    )
    with pytest.raises(ValueError, match="values for 0 of 32 masks"):
        faithfulness(_spectrum(5), stored)
