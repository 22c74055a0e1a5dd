"""Tests of the spectrum object."""

from __future__ import annotations

import copy
import json
import pickle
import time
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from shapiq_spex.spectrum import FourierSpectrum, fourier

if TYPE_CHECKING:
    from pathlib import Path

TERMS = {(): 1.5, (2,): -3.0, (0, 1): 0.5, (0, 2): -0.25, (0, 1, 3): 2.0}


@pytest.fixture
def spectrum() -> FourierSpectrum:
    """A small spectrum over four players."""
    return FourierSpectrum(4, TERMS, list(TERMS.values()))


def test_terms_are_kept_in_canonical_order() -> None:
    """By degree and then lexicographically, whatever the order they come in."""
    rng = np.random.default_rng(0)
    family = [players for size in range(4) for players in combinations(range(5), size)]
    shuffled = rng.permutation(len(family))
    made = FourierSpectrum(5, [family[i][::-1] for i in shuffled], shuffled.astype(float))
    assert made.support == tuple(family)
    assert made.coefficients.tolist() == list(range(len(family)))
    assert made.orders.tolist() == [len(players) for players in family]


def test_padded_support_and_extra_padding(spectrum: FourierSpectrum) -> None:
    """An array is as good as tuples, and superfluous columns leave no trace."""
    wider = np.pad(spectrum.sets, ((0, 0), (0, 2)), constant_values=4)
    again = FourierSpectrum(np.int64(4), wider, spectrum.coefficients)
    assert again == spectrum
    assert again.sets.shape == (5, 3)
    assert type(again.n_players) is int


@pytest.mark.parametrize(
    ("n_players", "support", "coefficients", "message"),
    [
        (0, [], [], "at least one player"),
        (-3, [], [], "at least one player"),
        (2.0, [], [], "n_players must be an integer"),
        (True, [], [], "n_players must be an integer"),
        (3, [(0, 1), (2,), (1, 0)], [1.0, 2.0, 3.0], r"Set \(0, 1\) is repeated"),
        (3, [(), ()], [1.0, 2.0], r"Set \(\) is repeated"),
        (3, [(3,)], [1.0], "between 0 and 2"),
        (3, [(0,)], [np.nan], "must be finite"),
        (3, [(0,)], [np.inf], "must be finite"),
        (3, [(0,)], [1.0, 2.0], "Need 1 real numbers"),
        (3, [(0,)], [[1.0]], "Need 1 real numbers"),
        (3, [(0,)], [1j], "Need 1 real numbers"),
        (3, [(0,)], ["1"], "Need 1 real numbers"),
        (3, np.array([[1, 0]]), [1.0], "strictly increasing"),
    ],
)
def test_constructor_refuses(n_players: Any, support: Any, coefficients: Any, message: str) -> None:  # noqa: ANN401, wrong on purpose
    """Each way to be no spectrum is a clear error."""
    with pytest.raises(ValueError, match=message):
        FourierSpectrum(n_players, support, coefficients)


def test_immutable(spectrum: FourierSpectrum) -> None:
    """Neither attributes nor arrays can be changed, nor the arrays it was made from."""
    coefficients = np.array([1.0])
    sets = np.array([[0]])
    made = FourierSpectrum(2, sets, coefficients)
    coefficients[0] = 5.0
    sets[0] = 1
    assert made[(0,)] == 1.0
    with pytest.raises(AttributeError, match="immutable"):
        spectrum.n_players = 5
    with pytest.raises(AttributeError, match="immutable"):
        del spectrum.sets
    for array in (spectrum.sets, spectrum.orders, spectrum.coefficients):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_copies_and_pickles_are_equal(spectrum: FourierSpectrum) -> None:
    """Immutability does not stand in the way of joblib or deepcopy."""
    for twin in (copy.copy(spectrum), copy.deepcopy(spectrum)):
        assert twin == spectrum
    assert pickle.loads(pickle.dumps(spectrum)) == spectrum  # noqa: S301, our own bytes


def test_equality_and_hash(spectrum: FourierSpectrum) -> None:
    """Equal spectra hash alike, negative zeros included; anything different is unequal."""
    again = FourierSpectrum(4, list(TERMS)[::-1], list(TERMS.values())[::-1])
    assert again == spectrum
    assert hash(again) == hash(spectrum)
    zero, minus = FourierSpectrum(2, [(0,)], [0.0]), FourierSpectrum(2, [(0,)], [-0.0])
    assert zero == minus
    assert hash(zero) == hash(minus)
    assert spectrum != FourierSpectrum(5, TERMS, list(TERMS.values()))
    assert spectrum != FourierSpectrum(4, TERMS, [0.0] * 5)
    assert spectrum != "a spectrum"


def test_lookup(spectrum: FourierSpectrum) -> None:
    """A set finds its coefficient in any order of players; an absent one is zero."""
    assert len(spectrum) == 5
    assert spectrum[()] == 1.5
    assert spectrum[(3, 0, 1)] == 2.0
    assert spectrum[{2}] == -3.0
    assert spectrum[(3,)] == 0.0
    assert spectrum[(0, 1, 2, 3)] == 0.0
    with pytest.raises(ValueError, match="between 0 and 3"):
        spectrum[(4,)]


def test_repr(spectrum: FourierSpectrum) -> None:
    """The summary fits on a line."""
    assert repr(spectrum) == "FourierSpectrum(n_players=4, terms=5, max_degree=3)"


def test_evaluate_against_the_definition(spectrum: FourierSpectrum) -> None:
    """The value is the signed sum of the coefficients, on every mask."""
    masks = (np.arange(16)[:, None] >> np.arange(4)) & 1
    expected = [
        sum(value * (-1) ** int(mask[list(players)].sum()) for players, value in TERMS.items())
        for mask in masks
    ]
    for form in (masks.astype(bool), masks, masks.astype(float), masks.astype(np.uint8).tolist()):
        np.testing.assert_allclose(spectrum.evaluate(form), expected, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(spectrum(masks), spectrum.evaluate(masks))


def test_evaluate_one_mask_and_no_mask(spectrum: FourierSpectrum) -> None:
    """One mask gives one value, none gives none."""
    assert spectrum.evaluate(np.zeros(4, dtype=bool)).tolist() == [0.75]
    assert spectrum.evaluate(np.zeros((0, 4), dtype=bool)).shape == (0,)


def test_evaluate_without_terms() -> None:
    """The zero function is a spectrum too."""
    assert FourierSpectrum(3, [], []).evaluate(np.eye(3, dtype=bool)).tolist() == [0.0] * 3


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.zeros((2, 3), dtype=bool), r"shape \(m, 4\) or \(4,\). Got \(2, 3\)"),
        (np.zeros(3, dtype=bool), r"Got \(3,\)"),
        (np.zeros((1, 2, 4), dtype=bool), r"Got \(1, 2, 4\)"),
        (np.bool_(1), r"Got \(\)"),
        (np.full((1, 4), 2), "binary"),
        (np.full((1, 4), 0.5), "binary"),
        (np.full((1, 4), np.nan), "binary"),
        (np.full((1, 4), "1"), "binary"),
    ],
)
def test_evaluate_refuses(spectrum: FourierSpectrum, masks: np.ndarray, message: str) -> None:
    """Masks of another shape or with other entries are never guessed at."""
    with pytest.raises(ValueError, match=message):
        spectrum.evaluate(masks)


def test_evaluate_in_chunks(spectrum: FourierSpectrum, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks bound the memory and change nothing."""
    masks = np.random.default_rng(2).random((101, 4)) < 0.5
    whole = spectrum.evaluate(masks)
    monkeypatch.setattr(fourier, "_CHUNK", 35)
    np.testing.assert_allclose(spectrum.evaluate(masks), whole, rtol=0, atol=1e-14)


def test_evaluate_the_whole_hypercube_fast() -> None:
    """All 16,384 masks of 14 players at 3,473 terms take a fraction of a second."""
    family = [players for size in range(6) for players in combinations(range(14), size)]
    made = FourierSpectrum(14, family, np.random.default_rng(3).normal(size=len(family)))
    masks = ((np.arange(2**14)[:, None] >> np.arange(14)) & 1).astype(bool)
    start = time.process_time()
    made.evaluate(masks)
    assert time.process_time() - start < 1.5  # some 0.2 s; the rest is for slower machines


def test_energy_by_order(spectrum: FourierSpectrum) -> None:
    """The squares add up by degree; even nothing has a degree 0."""
    assert spectrum.energy_by_order().tolist() == [2.25, 9.0, 0.3125, 4.0]
    assert FourierSpectrum(3, [], []).energy_by_order().tolist() == [0.0]


@pytest.mark.parametrize(
    ("limits", "support"),
    [
        ({}, list(TERMS)),
        ({"max_order": 2}, [(), (2,), (0, 1), (0, 2)]),
        ({"max_order": 0}, [()]),
        ({"max_terms": 2}, [(), (2,), (0, 1, 3)]),
        ({"max_terms": 0}, [()]),
        ({"max_terms": 99}, list(TERMS)),
        ({"max_order": 2, "max_terms": 2}, [(), (2,), (0, 1)]),
    ],
)
def test_truncate(
    spectrum: FourierSpectrum, limits: dict[str, int], support: list[tuple[int, ...]]
) -> None:
    """The order is cut first, the largest of the rest are kept, the constant always is."""
    assert spectrum.truncate(**limits) == FourierSpectrum(4, support, [TERMS[s] for s in support])


def test_truncate_refuses(spectrum: FourierSpectrum) -> None:
    """A negative limit is a mistake, not a slice from the end."""
    with pytest.raises(ValueError, match="max_terms must not be negative"):
        spectrum.truncate(max_terms=-1)


def test_dataframe(spectrum: FourierSpectrum) -> None:
    """The largest terms come first, with names where there are any."""
    table = spectrum.to_dataframe()
    assert list(table.columns) == ["interaction", "order", "coefficient"]
    assert table["interaction"].tolist() == [(2,), (0, 1, 3), (), (0, 1), (0, 2)]
    assert table["coefficient"].tolist() == [-3.0, 2.0, 1.5, 0.5, -0.25]
    assert table["order"].tolist() == [1, 3, 0, 2, 2]
    named = spectrum.to_dataframe(player_names=["the", "cat", "sat", "down"])
    assert named["interaction"].tolist()[1] == ("the", "cat", "down")
    assert len(FourierSpectrum(3, [], []).to_dataframe()) == 0
    with pytest.raises(ValueError, match=r"Need 4 player names\. Got 1"):
        spectrum.to_dataframe(player_names=["the"])


def test_dict_round_trip_through_json(spectrum: FourierSpectrum) -> None:
    """What is plain enough for JSON comes back exactly."""
    assert FourierSpectrum.from_dict(json.loads(json.dumps(spectrum.to_dict()))) == spectrum
    with pytest.raises(ValueError, match="coefficients, support"):
        FourierSpectrum.from_dict({"n_players": 3})


@pytest.mark.parametrize("n_players", [1, 2, 5])
def test_from_values_against_the_definition(n_players: int) -> None:
    """The fast transform is the sum it stands for, with mask x at entry sum x_i 2^i."""
    values = np.random.default_rng(4).normal(size=2**n_players)
    made = FourierSpectrum.from_values(values)
    masks = (np.arange(2**n_players)[:, None] >> np.arange(n_players)) & 1
    for players in made.support:
        signs = (-1.0) ** masks[:, list(players)].sum(axis=1)
        assert made[players] == pytest.approx(np.mean(signs * values), abs=1e-14)
    np.testing.assert_allclose(made.evaluate(masks), values, rtol=0, atol=1e-13)


def test_from_values_drops_exact_zeros() -> None:
    """One parity is one term, from integers too."""
    masks = (np.arange(32)[:, None] >> np.arange(5)) & 1
    made = FourierSpectrum.from_values(3 * (-1) ** masks[:, [1, 4]].sum(axis=1))
    assert made == FourierSpectrum(5, [(1, 4)], [3.0])
    assert len(FourierSpectrum.from_values(np.zeros(8))) == 0


@pytest.mark.parametrize(
    "values",
    [[], [1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], [1.0, np.nan], [1.0, 2j], 3.0],
    ids=["empty", "no player", "no power of two", "matrix", "nan", "complex", "scalar"],
)
def test_from_values_refuses(values: Any) -> None:  # noqa: ANN401, wrong on purpose
    """Only a full, finite, real table has a transform."""
    with pytest.raises(ValueError, match=r"must|Need"):
        FourierSpectrum.from_values(values)


@pytest.mark.parametrize("suffix", ["spectrum.npz", "no_suffix"])
def test_save_and_load(spectrum: FourierSpectrum, tmp_path: Path, suffix: str) -> None:
    """The file has the name asked for, holds everything exactly, and nothing is left beside it."""
    path = tmp_path / suffix
    FourierSpectrum(2, [], []).save(path)
    spectrum.save(str(path))
    assert FourierSpectrum.load(path) == spectrum
    assert list(tmp_path.iterdir()) == [path]


def test_failed_save_keeps_the_old_file(
    spectrum: FourierSpectrum, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up costs the new file, never the old one."""
    path = tmp_path / "spectrum.npz"
    spectrum.save(path)

    def full(*_args: object, **_arrays: object) -> None:
        msg = "No space left on device"
        raise OSError(msg)

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space left"):
        FourierSpectrum(2, [], []).save(path)
    assert FourierSpectrum.load(path) == spectrum
    assert list(tmp_path.iterdir()) == [path]


def test_every_damaged_byte_is_noticed(spectrum: FourierSpectrum, tmp_path: Path) -> None:
    """One flipped bit anywhere gives a clear error or, in unused bytes, the same spectrum."""
    path = tmp_path / "spectrum.npz"
    spectrum.save(path)
    intact = path.read_bytes()
    refused = 0
    for position in range(0, len(intact), 3):
        damaged = bytearray(intact)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        try:
            assert FourierSpectrum.load(path) == spectrum
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017, either outcome is right
            refused += 1
        assert path.read_bytes() == damaged
    assert refused > len(intact) // 6


@pytest.mark.parametrize("length", [0, 10, 500, -1])
def test_cut_off_files(spectrum: FourierSpectrum, tmp_path: Path, length: int) -> None:
    """A download that broke off is refused, and left alone."""
    path = tmp_path / "spectrum.npz"
    spectrum.save(path)
    cut = path.read_bytes()[:length]
    path.write_bytes(cut)
    with pytest.raises(ValueError, match="is damaged, or no file of a spectrum"):
        FourierSpectrum.load(path)
    assert path.read_bytes() == cut


GOOD: dict[str, Any] = {
    "format": "shapiq-spex/fourier-spectrum",
    "version": 1,
    "n_players": 2,
    "sets": np.array([[0, 2], [0, 1]]),
    "coefficients": np.array([1.0, 2.0]),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "someone else's"}, "holds something else than a spectrum"),
        ({"format": None}, "holds something else than a spectrum"),
        ({"version": 2}, "written by a newer version of shapiq-spex: its format is 2"),
        ({"version": None}, "is damaged: it has no version"),
        ({"version": "x"}, "is damaged: it has no version"),
        ({"sets": None}, "is damaged: its entries are incomplete"),
        ({"n_players": [1, 2]}, "is damaged: its entries are incomplete"),
        ({"n_players": 1}, "is damaged: Each row of padded sets"),
        ({"coefficients": [1.0, np.nan]}, "is damaged: Coefficients and values must be finite"),
        ({"coefficients": np.array([None, 1])}, "is damaged, or no file of a spectrum"),
    ],
)
def test_foreign_and_newer_files(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    """What is readable but no spectrum of ours is told apart from a damaged file."""
    path = tmp_path / "spectrum.npz"
    content = {name: value for name, value in (GOOD | change).items() if value is not None}
    np.savez(path, **content)
    with pytest.raises(ValueError, match=message):
        FourierSpectrum.load(path)


def test_other_files(tmp_path: Path) -> None:
    """A plain array and a text are refused; a missing file is missing."""
    np.save(tmp_path / "array.npy", np.arange(3))
    (tmp_path / "text.npz").write_text("players: 3")
    for name in ("array.npy", "text.npz"):
        with pytest.raises(ValueError, match="no file of a spectrum"):
            FourierSpectrum.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        FourierSpectrum.load(tmp_path / "missing.npz")
