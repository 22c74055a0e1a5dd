"""Interaction values of every index predict the game as that index says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapiq
from shapiq import InteractionValues
from shapiq.game_theory.exact import ExactComputer

from shapiq_spex import FourierSpectrum
from shapiq_spex.spectrum import LEVEL_FREE, PREDICTING_INDICES

_N = 5
_MASKS = (np.arange(1 << _N)[:, None] >> np.arange(_N) & 1).astype(bool)
_INTERACTIONS = ("SII", "BII", "k-SII", "STII", "FSII", "FBII", "kADD-SHAP")
# shapiq solves the faithful indices and k-additive SHAP by regressions with weights of 1e7
_TOLERANCE = {"FSII": 1e-6, "kADD-SHAP": 1e-6}


def _game(order: int, seed: int) -> shapiq.Game:
    """Make a game with interactions of every group of up to so many players."""
    rng = np.random.default_rng(seed)
    table = np.zeros(len(_MASKS))
    for size in range(order + 1):
        for players in itertools.combinations(range(_N), size):
            table += rng.normal() * _MASKS[:, list(players)].all(axis=1)

    class Table(shapiq.Game):
        def value_function(self, coalitions: np.ndarray) -> np.ndarray:
            return table[coalitions @ (1 << np.arange(_N))]

    return Table(n_players=_N, normalize=False)


def _exact(game: shapiq.Game, index: str, order: int) -> InteractionValues:
    return ExactComputer(game=game, n_players=_N)(index, order=order)


@pytest.mark.parametrize("index", _INTERACTIONS)
@pytest.mark.parametrize("order", [2, 3])
def test_game_of_the_index_order_is_predicted_exactly(index: str, order: int) -> None:
    """A game without larger interactions is what its interaction values of that order say."""
    game = _game(order, seed=order)
    prediction = FourierSpectrum.from_interaction_values(_exact(game, index, order))
    tolerance = _TOLERANCE.get(index, 1e-9)
    np.testing.assert_allclose(prediction.evaluate(_MASKS), game(_MASKS), atol=tolerance)


@pytest.mark.parametrize("index", ["Moebius", "Co-Moebius", "Fourier", "SII", "BII"])
def test_transforms_of_all_orders_are_the_game(index: str) -> None:
    """What has as many numbers as the game has them all."""
    game = _game(_N, seed=1)
    prediction = FourierSpectrum.from_interaction_values(_exact(game, index, _N))
    np.testing.assert_allclose(prediction.evaluate(_MASKS), game(_MASKS), atol=1e-9)


@pytest.mark.parametrize("index", ["k-SII", "STII", "FSII", "FBII", "Moebius"])
def test_sums_of_interactions_inside_a_mask(index: str) -> None:
    """These indices predict the sum of the interactions that lie within the mask."""
    values = _exact(_game(_N, seed=2), index, 2)
    sums = np.zeros(len(_MASKS))
    for players, value in values.interactions.items():
        sums += value * _MASKS[:, list(players)].all(axis=1)
    prediction = FourierSpectrum.from_interaction_values(values)
    np.testing.assert_allclose(prediction.evaluate(_MASKS), sums, atol=1e-9)


def test_shapley_values_lead_from_none_to_all() -> None:
    """Shapley values predict the empty and the full mask exactly, by efficiency."""
    game = _game(_N, seed=3)
    prediction = FourierSpectrum.from_interaction_values(_exact(game, "SV", 1))
    np.testing.assert_allclose(prediction.evaluate(_MASKS)[[0, -1]], game(_MASKS)[[0, -1]])
    assert prediction.orders.max() == 1


@pytest.mark.parametrize(("index", "order"), [("BV", 1), ("BII", 2), ("FBII", 2), ("FBII", 3)])
def test_banzhaf_indices_predict_best_of_their_order(index: str, order: int) -> None:
    """They are the least-squares fit over all masks by polynomials of their order."""
    game = _game(_N, seed=4)
    columns = [
        _MASKS[:, list(players)].all(axis=1)
        for size in range(order + 1)
        for players in itertools.combinations(range(_N), size)
    ]
    design = np.column_stack(columns).astype(float)
    best = design @ np.linalg.lstsq(design, game(_MASKS), rcond=None)[0]
    prediction = FourierSpectrum.from_interaction_values(_exact(game, index, order))
    np.testing.assert_allclose(prediction.evaluate(_MASKS), best, atol=1e-9)


def test_sii_predicts_as_its_aggregation() -> None:
    """SII by Bernoulli numbers is k-SII summed."""
    game = _game(_N, seed=5)
    sii, k_sii = (
        FourierSpectrum.from_interaction_values(_exact(game, index, 3))
        for index in ("SII", "k-SII")
    )
    np.testing.assert_allclose(sii.evaluate(_MASKS), k_sii.evaluate(_MASKS), atol=1e-9)


@pytest.mark.parametrize("index", ["SV", "SII", "k-SII", "STII", "FSII", "FBII", "BV", "BII"])
def test_spectrum_of_the_order_returns(index: str) -> None:
    """What a spectrum without larger sets is turned into reads as that spectrum again."""
    rng = np.random.default_rng(6)
    order = 1 if index in ("SV", "BV") else 2
    support = [(), (0,), (3,), (4,), (0, 3), (1, 2)]
    spectrum = FourierSpectrum(_N, support, rng.normal(size=6)).truncate(max_order=order)
    values = spectrum.to_interaction_values(index, order)  # type: ignore[arg-type]
    read = FourierSpectrum.from_interaction_values(values)
    np.testing.assert_allclose(read.evaluate(_MASKS), spectrum.evaluate(_MASKS), atol=1e-9)


def test_thousands_of_players() -> None:
    """A few interactions of many players cost a few terms."""
    values = InteractionValues(
        {(): 1.0, (7,): 2.0, (10, 2000, 4000): 4.0},
        index="FBII",
        max_order=3,
        min_order=0,
        n_players=5000,
        baseline_value=1.0,
    )
    prediction = FourierSpectrum.from_interaction_values(values)
    assert len(prediction) == 9
    masks = np.zeros((3, 5000), dtype=bool)
    masks[1, 7] = masks[2, [10, 2000, 4000]] = True
    np.testing.assert_allclose(prediction.evaluate(masks), [1, 3, 5], atol=1e-12)


def test_no_interactions_predict_their_level() -> None:
    """An explanation that found nothing predicts the value of the empty mask."""
    values = InteractionValues(
        {(): 2.5}, index="SV", max_order=1, min_order=0, n_players=4, baseline_value=2.5
    )
    read = FourierSpectrum.from_interaction_values(values)
    np.testing.assert_allclose(read.evaluate(_MASKS[:3, :4]), 2.5)


@pytest.mark.parametrize("index", ["SGV", "JointSV", "CHII", "CHGV"])
def test_index_that_predicts_nothing(index: str) -> None:
    """What compares groups alone is refused, with a list of what is not."""
    values = InteractionValues(
        {(0,): 1.0, (0, 1): 2.0}, index=index, max_order=2, min_order=1, n_players=_N
    )
    with pytest.raises(ValueError, match=f"{index} does not say what it predicts.*SV, k-SII"):
        FourierSpectrum.from_interaction_values(values)


def test_missing_lower_orders() -> None:
    """Pairs without the single players predict nothing."""
    values = FourierSpectrum(_N, [(), (0,), (0, 1)], [1, 2, 3]).to_interaction_values(
        "k-SII", 2, min_order=2
    )
    with pytest.raises(ValueError, match="order 2 and more alone predict nothing"):
        FourierSpectrum.from_interaction_values(values)


def test_too_large_interactions() -> None:
    """One interaction of thirty players has a billion subsets."""
    values = InteractionValues(
        {tuple(range(30)): 1.0}, index="Moebius", max_order=30, min_order=1, n_players=40
    )
    with pytest.raises(ValueError, match="subsets"):
        FourierSpectrum.from_interaction_values(values)


def test_lists() -> None:
    """Every index of this package predicts."""
    from shapiq_spex.spectrum import VALID_INDICES  # noqa: PLC0415

    assert set(VALID_INDICES) <= set(PREDICTING_INDICES)
    assert set(LEVEL_FREE) <= set(PREDICTING_INDICES)
