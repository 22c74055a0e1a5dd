"""Networks of torch that a game of training points retrains: a small CNN and a small ResNet.

Give ``TrainNetwork(SmallCNN)`` as ``train`` to :class:`shapiq_spex.games.DataSubsetGame`. It needs
torch: ``pip install torch``.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

_WHITE = 255  # in images of bytes
_GROUP = 8  # channels that are normalised together: one alone would lose its brightness


class SmallCNN(nn.Module):
    """Two convolutions and two linear layers, for grey images.

    Args:
        n_classes: How many logits it returns.
        size: The height and width of the images.
        channels: The channels of an image.
        width: The channels after the first convolution.
    """

    def __init__(
        self, n_classes: int, *, size: int = 28, channels: int = 1, width: int = 16
    ) -> None:
        """Make the layers."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(2 * width * (size // 4) ** 2, 64),
            nn.ReLU(),
            nn.Linear(64, n_classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits, shape ``(n, n_classes)``, of images of shape ``(n, channels, h, w)``."""
        return self.layers(images)


class SmallResNet(nn.Module):
    """ResNet-9 with few channels, for colour images of any size from 16 by 16 on.

    It normalises groups of channels of each image, not batches: a subset may be one image.

    Args:
        n_classes: How many logits it returns.
        channels: The channels of an image.
        width: The channels after the first convolution, a multiple of 8.

    Sources:
        He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016; Wu and
        He, "Group normalization", ECCV 2018.
    """

    def __init__(self, n_classes: int, *, channels: int = 3, width: int = 16) -> None:
        """Make the layers."""
        super().__init__()
        self.layers = nn.Sequential(
            _convolve(channels, width),
            _convolve(width, 2 * width, pool=True),
            _Residual(2 * width),
            _convolve(2 * width, 4 * width, pool=True),
            _convolve(4 * width, 8 * width, pool=True),
            _Residual(8 * width),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
            nn.Linear(8 * width, n_classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits, shape ``(n, n_classes)``, of images of shape ``(n, channels, h, w)``."""
        return self.layers(images)


class _Residual(nn.Module):
    """Two convolutions whose result is added to what went in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(_convolve(channels, channels), _convolve(channels, channels))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return features of the shape that went in."""
        return images + self.layers(images)


def _convolve(before: int, after: int, *, pool: bool = False) -> nn.Sequential:
    """Return a convolution with all that follows it."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.GroupNorm(after // _GROUP, after),
        nn.ReLU(),
        nn.MaxPool2d(2) if pool else nn.Identity(),
    )


@dataclass(frozen=True)
class Predictor:
    """A trained network as a function from images to logits.

    Attributes:
        network: The network, which computes where it was trained.
        batch_size: How many images it gets at once.
    """

    network: nn.Module
    batch_size: int

    def __call__(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the logits of images, shape ``(t, n_classes)``."""
        device = next(self.network.parameters()).device
        with _one_thread(), torch.no_grad():
            batches = _to_tensor(X).split(self.batch_size)
            logits = [self.network(batch.to(device)).cpu() for batch in batches]
        found: NDArray[np.float64] = torch.cat(logits).double().numpy()
        return found


@dataclass(frozen=True)
class TrainNetwork:
    """A training of networks, as a game of training points calls it.

    Equal seeds give equal networks on the same machine's CPU; on a GPU nearly equal ones. No state
    of torch is left changed. Run several at a time in processes, not threads, as the number of
    threads that torch computes with is the process's.

    Attributes:
        build: Makes a network from the number of classes: ``SmallCNN``, ``SmallResNet``, or with
            other arguments ``functools.partial(SmallCNN, size=32)``.
        n_classes: How many classes there are, in all points, whichever are in a subset. Labels are
            0 to ``n_classes - 1``.
        epochs: How often each point is seen.
        batch_size: How many points make a step.
        lr: The learning rate of the first step, from which it falls linearly.
        weight_decay: How far weights are drawn to zero.
        device: Where to compute, as torch calls it.
    """

    build: Callable[[int], nn.Module]
    n_classes: int = 10
    epochs: int = 15
    batch_size: int = 32
    lr: float = 2e-3
    weight_decay: float = 1e-2
    device: str = "cpu"

    def __call__(self, X: ArrayLike, y: ArrayLike, seed: int) -> Predictor:
        """Return a network trained on images.

        Args:
            X: The images, shape ``(n, h, w)`` or ``(n, h, w, channels)``, of ``uint8`` or of
                numbers from 0 to 1.
            y: Their classes, shape ``(n,)``. They may all be the same, or of one point alone;
                without any point the network stays as it began.
            seed: What the first weights and the order of the points come from.

        Raises:
            ValueError: If a label is no class.
        """
        images, labels = _to_tensor(X), torch.from_numpy(self._check(np.asarray(y)))
        generator = torch.Generator().manual_seed(seed)
        with _one_thread():
            network = self._begin(generator).to(self.device).train()
            self._fit(network, images.to(self.device), labels.to(self.device), generator)
        return Predictor(network.eval(), 8 * self.batch_size)

    def _begin(self, generator: torch.Generator) -> nn.Module:
        """Return a network with its first weights, for which torch has but the global generator."""
        with torch.random.fork_rng(devices=[]):
            torch.random.set_rng_state(generator.get_state())
            network = self.build(self.n_classes)
            generator.set_state(torch.random.get_rng_state())
        return network

    def _fit(
        self,
        network: nn.Module,
        images: torch.Tensor,
        labels: torch.Tensor,
        generator: torch.Generator,
    ) -> None:
        """Train a network."""
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=self.lr, weight_decay=self.weight_decay
        )
        steps = self.epochs * -(-len(labels) // self.batch_size)
        falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / (steps or 1))
        for _ in range(self.epochs):
            order = torch.randperm(len(labels), generator=generator).to(self.device)
            for batch in order.split(self.batch_size) if len(order) else ():
                loss = functional.cross_entropy(network(images[batch]), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                falling.step()

    def _check(self, labels: NDArray[np.generic]) -> NDArray[np.int64]:
        """Return labels that are classes."""
        if not np.isin(labels, np.arange(self.n_classes)).all():
            msg = f"Labels must be 0 to {self.n_classes - 1}, got {np.unique(labels)}."
            raise ValueError(msg)
        return labels.astype(np.int64)


def _to_tensor(images: ArrayLike) -> torch.Tensor:
    """Return images as networks take them, shape ``(n, channels, h, w)``, from -1 to 1."""
    pixels = np.asarray(images)
    if pixels.ndim == 3:  # noqa: PLR2004 grey images
        pixels = pixels[..., None]
    white = _WHITE if pixels.dtype == np.uint8 else 1
    scaled = pixels.transpose(0, 3, 1, 2).astype(np.float32) * (2 / white) - 1
    return torch.from_numpy(np.ascontiguousarray(scaled))


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch compute on one thread for a while: small batches gain nothing from more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
