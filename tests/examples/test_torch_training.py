"""Tests of the example that trains networks of torch, on real digits and made-up colours."""

from __future__ import annotations

import functools
import importlib.util
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
from joblib.externals import loky
from sklearn.datasets import load_digits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from numpy.typing import NDArray

    Data = tuple[NDArray[Any], NDArray[np.int64]]

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.torch

FILE = Path(__file__).parents[2] / "examples" / "torch_training.py"
SIZE = 16


@pytest.fixture(scope="module")
def example() -> Iterator[ModuleType]:
    """Load the example as a script in its folder imports it, so that workers find it, too."""
    sys.path.insert(0, str(FILE.parent))
    spec = importlib.util.spec_from_file_location(FILE.stem, FILE)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[FILE.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[FILE.stem]
    sys.path.remove(str(FILE.parent))


@pytest.fixture(scope="module")
def cnn(example: ModuleType) -> Any:  # noqa: ANN401 of the example's class
    """Return a short training of the CNN."""
    return example.TrainNetwork(functools.partial(example.SmallCNN, size=SIZE), epochs=5)


@pytest.fixture(scope="module")
def resnet(example: ModuleType) -> Any:  # noqa: ANN401 of the example's class
    """Return a short training of the ResNet."""
    build = functools.partial(example.SmallResNet, width=8)
    return example.TrainNetwork(build, n_classes=3, epochs=8)


def digits() -> Data:
    """Return real digits of 16 by 16 pixels, and their classes."""
    data = load_digits()
    return data.images.repeat(2, 1).repeat(2, 2) / 16, data.target


def colours() -> Data:
    """Return noise in which one of three colours is brighter, and which one."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 150)
    images = rng.integers(0, 156, (150, 32, 32, 3), dtype=np.uint8)
    images[np.arange(150), ..., labels] += 40
    return images, labels


def test_the_cnn_learns_digits(cnn: Any) -> None:  # noqa: ANN401 of the example's class
    """Networks trained on 500 digits know most others."""
    images, labels = digits()
    logits = cnn(images[:500], labels[:500], 0)(images[500:])
    assert logits.shape == (len(images) - 500, 10)
    assert logits.dtype == np.float64
    assert (logits.argmax(1) == labels[500:]).mean() > 0.8


def test_the_resnet_learns_colours(resnet: Any) -> None:  # noqa: ANN401 of the example's class
    """Networks trained on 100 colour images know most others."""
    images, labels = colours()
    logits = resnet(images[:100], labels[:100], 0)(images[100:])
    assert logits.shape == (50, 3)
    assert (logits.argmax(1) == labels[100:]).mean() > 0.7


@pytest.mark.parametrize("kind", ["cnn", "resnet"])
def test_the_seed_alone_chooses_a_network(kind: str, request: pytest.FixtureRequest) -> None:
    """Equal seeds give equal logits, whatever torch drew before; other seeds do not."""
    train = request.getfixturevalue(kind)
    images, labels = digits() if kind == "cnn" else colours()
    first = train(images[:40], labels[:40], 3)(images)
    torch.rand(5)
    again = train(images[:40], labels[:40], 3)(images)
    other = train(images[:40], labels[:40], 4)(images)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


@pytest.mark.parametrize("kind", ["cnn", "resnet"])
@pytest.mark.parametrize("places", [[], [7], [0, 10, 20]])
def test_small_subsets_are_trained_on(
    kind: str, places: list[int], request: pytest.FixtureRequest
) -> None:
    """No point, one point, or points of one class give finite logits of all classes."""
    train = request.getfixturevalue(kind)
    images, _ = digits() if kind == "cnn" else colours()
    logits = train(images[places], np.full(len(places), 2), 0)(images[:9])
    assert logits.shape == (9, train.n_classes)
    assert np.isfinite(logits).all()


def test_a_single_class_is_learnt(cnn: Any) -> None:  # noqa: ANN401 of the example's class
    """A network that saw one class alone answers with it."""
    images, labels = digits()
    sevens = np.flatnonzero(labels == 7)[:60]
    assert (cnn(images[sevens], labels[sevens], 0)(images[:50]).argmax(1) == 7).all()


def test_pixels_mean_the_same_as_bytes_and_shares(cnn: Any) -> None:  # noqa: ANN401 of the example's class
    """Bytes from 0 to 255 are numbers from 0 to 1, and a grey image has one channel."""
    images = (digits()[0][:30] * 255).astype(np.uint8)
    labels = digits()[1][:30]
    logits = cnn(images, labels, 0)(images)
    for same in (images / 255, images[..., None]):
        np.testing.assert_allclose(cnn(same, labels, 0)(same), logits, atol=1e-3)


def test_state_of_torch_is_left_as_it_was(cnn: Any) -> None:  # noqa: ANN401 of the example's class
    """Neither the global random numbers nor the number of threads change."""
    images, labels = digits()
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        cnn(images[:9], labels[:9], 5)(images[:3])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_workers_train_the_same_networks(cnn: Any) -> None:  # noqa: ANN401 of the example's class
    """Training and its result pass between processes, and the process changes nothing."""
    images, labels = digits()
    loky.get_reusable_executor().shutdown(wait=True)  # older workers do not know the folder
    calls = (joblib.delayed(cnn)(images[:60], labels[:60], seed) for seed in range(3))
    predictors = joblib.Parallel(n_jobs=2, backend="loky")(calls)
    loky.get_reusable_executor().shutdown(wait=True)
    for seed, predictor in enumerate(predictors):
        here = cnn(images[:60], labels[:60], seed)(images[:9])
        np.testing.assert_allclose(predictor(images[:9]), here, atol=1e-6)


def test_a_pickled_predictor_answers_the_same(cnn: Any) -> None:  # noqa: ANN401 of the example's class
    """A trained network can be kept."""
    images, labels = digits()
    predictor = cnn(images[:60], labels[:60], 0)
    copy = pickle.loads(pickle.dumps(predictor))  # noqa: S301 this test's own
    np.testing.assert_array_equal(copy(images[:9]), predictor(images[:9]))


def test_labels_that_are_no_classes_are_refused(cnn: Any) -> None:  # noqa: ANN401 of the example's class
    """A label beyond the classes is an error that says what they are."""
    with pytest.raises(ValueError, match=r"must be 0 to 9, got \[ 3 10\]"):
        cnn(np.zeros((2, SIZE, SIZE)), [3, 10], 0)
