"""Data sets of images, read from the files in which they are published.

Sources:
    CIFAR-10: https://www.cs.toronto.edu/~kriz/cifar.html. MNIST: http://yann.lecun.com/exdb/mnist.
    Fashion-MNIST: https://github.com/zalandoresearch/fashion-mnist.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ._pickles import read_pickle

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Images = NDArray[np.uint8]
    LabelArray = NDArray[np.int64]

CIFAR10_CLASSES: Final = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
FASHION_MNIST_CLASSES: Final = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_N_CLASSES = 10
_COLOUR = (3, 32, 32)  # CIFAR-10: one plane of pixels after the other
_GREY = (28, 28)
_ARCHIVES = ("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz")
_UNSIGNED_BYTES = 8  # how IDX calls the type of its numbers
_CHUNK = 1 << 20
_BROKEN_ARCHIVE = (OSError, EOFError, zlib.error, tarfile.TarError)


def load_cifar10(
    folder: str | os.PathLike[str], *, train: bool = True
) -> tuple[Images, LabelArray]:
    """Return the images of CIFAR-10 and their classes, in the published order.

    Taken are, in the folder or anywhere below it, the binary version
    (``cifar-10-batches-bin``), the version for Python, which torchvision downloads
    (``cifar-10-batches-py``), or the archive of either (``cifar-10-binary.tar.gz``,
    ``cifar-10-python.tar.gz``), which need not be unpacked. The version for Python is pickled; it
    is read without running any code.

    Args:
        folder: Where to look.
        train: Whether to return the 50,000 images for training or the 10,000 for testing.

    Returns:
        The images, shape ``(n, 32, 32, 3)``, red, green and blue from 0 to 255; and their classes,
        shape ``(n,)``, of which :data:`CIFAR10_CLASSES` has the names.

    Raises:
        FileNotFoundError: If there are no such files, or not all of them.
        ValueError: If a file is not what it should be.
    """
    where = _check_folder(folder)
    pickles = [f"data_batch_{part}" for part in range(1, 6)] if train else ["test_batch"]
    binaries = [f"{name}.bin" for name in pickles] if train else ["test_batch.bin"]
    parts = [_read_records(*file) for file in _files(where, binaries)]
    parts = parts or [_read_batch(*file) for file in _files(where, pickles)]
    parts = parts or _read_cifar10_archive(where, binaries, pickles)
    if not parts:
        msg = (
            f"CIFAR-10 is not in {where} or below: looked for {binaries[0]}, {pickles[0]} and the "
            f"archives {' and '.join(_ARCHIVES)}."
        )
        raise FileNotFoundError(msg)
    images = np.concatenate([images for images, _ in parts])
    return images, np.concatenate([labels for _, labels in parts])


def load_mnist(folder: str | os.PathLike[str], *, train: bool = True) -> tuple[Images, LabelArray]:
    """Return the images of MNIST, or of Fashion-MNIST, and their classes, in the published order.

    Taken are the files ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``, or those that
    begin with ``t10k``, in the folder or anywhere below it; packed by gzip or not, and also where
    a copy calls them ``train-images.idx3-ubyte``. Debian's package of Fashion-MNIST puts them into
    ``/usr/share/datasets/fashion-mnist``.

    Args:
        folder: Where to look.
        train: Whether to return the 60,000 images for training or the 10,000 for testing.

    Returns:
        The images, shape ``(n, 28, 28)``, from 0, black, to 255; and their classes, shape ``(n,)``:
        the digits, or for Fashion-MNIST those that :data:`FASHION_MNIST_CLASSES` names.

    Raises:
        FileNotFoundError: If there are no such files.
        ValueError: If a file is not what it should be, or several folders below have such files,
            as those of MNIST and Fashion-MNIST have the same names.
    """
    where = _check_folder(folder)
    part = "train" if train else "t10k"
    images, name = _read_idx(where, f"{part}-images", 3)
    if images.shape[1:] != _GREY:
        msg = f"{name} has images of {images.shape[1:]} pixels, not {_GREY}."
        raise ValueError(msg)
    labels, name = _read_idx(where, f"{part}-labels", 1)
    if len(images) != len(labels):
        msg = f"{name} has {len(labels)} labels for {len(images)} images."
        raise ValueError(msg)
    return images, _check_labels(labels, name)


def _check_folder(folder: str | os.PathLike[str]) -> Path:
    """Return a folder that exists."""
    where = Path(folder)
    if not where.is_dir():
        msg = f"There is no folder {where}."
        raise FileNotFoundError(msg)
    return where


def _folders(where: Path, names: Iterable[str]) -> list[Path]:
    """Return the folders that hold any of some files: the given one alone, or those below it."""
    wanted = set(names)
    found = []
    for folder, _, files in where.walk():
        if wanted.intersection(files):
            found.append(folder)
            if folder == where:
                break
    return sorted(found, key=lambda path: (len(path.parts), path))


def _files(where: Path, names: list[str]) -> list[tuple[bytes, str]]:
    """Return the contents and paths of all the named files, or of none if there is not one.

    Raises:
        FileNotFoundError: If there are some of them, but nowhere all.
    """
    folders = _folders(where, names)
    lacking = {
        folder: [name for name in names if not (folder / name).is_file()] for folder in folders
    }
    for folder, missing in lacking.items():
        if not missing:
            return [((folder / name).read_bytes(), str(folder / name)) for name in names]
    for folder, missing in lacking.items():
        msg = f"{folder} lacks {', '.join(missing)}."
        raise FileNotFoundError(msg)
    return []


def _read_cifar10_archive(
    where: Path, binaries: list[str], pickles: list[str]
) -> list[tuple[Images, LabelArray]]:
    """Return the batches of the first archive of CIFAR-10, or none if there is no archive."""
    for archive, names, read in zip(
        _ARCHIVES, (binaries, pickles), (_read_records, _read_batch), strict=True
    ):
        for folder in _folders(where, [archive]):
            return [read(*file) for file in _members(folder / archive, names)]
    return []


def _members(path: Path, names: list[str]) -> list[tuple[bytes, str]]:
    """Return the contents and names of all the named files in an archive, which stays packed.

    Raises:
        ValueError: If the archive is broken, or one is not in it.
    """
    try:
        found = dict(_walk(path, set(names)))
    except _BROKEN_ARCHIVE as error:
        msg = f"{path} is no readable archive: {error}"
        raise ValueError(msg) from error
    if missing := [name for name in names if name not in found]:
        msg = f"{path} lacks {', '.join(missing)}."
        raise ValueError(msg)
    return [(found[name], f"{name} in {path}") for name in names]


def _walk(path: Path, names: set[str]) -> Iterator[tuple[str, bytes]]:
    """Go once through an archive, which cannot be searched without unpacking it."""
    with gzip.open(path) as content:
        with tarfile.open(fileobj=content, mode="r|") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if name in names and member.isreg() and (file := archive.extractfile(member)):
                    yield name, file.read()
        while content.read(_CHUNK):  # up to the checksum at its end
            pass


def _read_records(content: bytes, name: str) -> tuple[Images, LabelArray]:
    """Return the images and classes of a file of CIFAR-10's binary version."""
    size = 1 + int(np.prod(_COLOUR))
    if not content or len(content) % size:
        msg = f"{name} has {len(content)} bytes, which are no whole records of {size}."
        raise ValueError(msg)
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, size)
    return _to_colours(records[:, 1:]), _check_labels(records[:, 0], name)


def _read_batch(content: bytes, name: str) -> tuple[Images, LabelArray]:
    """Return the images and classes of a file of CIFAR-10's version for Python."""
    batch = read_pickle(content, name)
    pixels, labels = batch.get("data"), batch.get("labels")
    size = int(np.prod(_COLOUR))
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != size:  # noqa: PLR2004 images and pixels
        msg = f"{name} has no 'data' of shape (n, {size})."
        raise ValueError(msg)
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        msg = f"{name} has no 'labels' that are a list of integers."
        raise ValueError(msg)
    if not len(pixels) == len(labels) > 0:
        msg = f"{name} has {len(labels)} labels for {len(pixels)} images."
        raise ValueError(msg)
    return _to_colours(pixels), _check_labels(np.array(labels), name)


def _to_colours(pixels: Images) -> Images:
    """Return images with their colours last, shape ``(n, 32, 32, 3)``, from rows of planes."""
    return np.ascontiguousarray(pixels.reshape(-1, *_COLOUR).transpose(0, 2, 3, 1))


def _check_labels(labels: NDArray[np.integer], name: str) -> LabelArray:
    """Return labels that are classes."""
    if labels.min() < 0 or labels.max() >= _N_CLASSES:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        msg = f"{name} has the label {wrong}; classes are 0 to {_N_CLASSES - 1}."
        raise ValueError(msg)
    return labels.astype(np.int64)


def _read_idx(where: Path, stem: str, ndim: int) -> tuple[Images, str]:
    """Return the numbers of one of MNIST's files, and its path.

    Args:
        where: Where to look.
        stem: What the file's name begins with.
        ndim: How many dimensions the numbers have.
    """
    names = [f"{stem}{mark}idx{ndim}-ubyte{end}" for mark in "-." for end in ("", ".gz")]
    folders = _folders(where, names)
    if not folders:
        msg = f"{stem} is not in {where} or below: looked for {', '.join(names)}."
        raise FileNotFoundError(msg)
    if len(folders) > 1:
        msg = f"{stem} is in {' and in '.join(map(str, folders))}: say which."
        raise ValueError(msg)
    path = next(folders[0] / name for name in names if (folders[0] / name).is_file())
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            msg = f"{path} is no readable gzip file: {error}"
            raise ValueError(msg) from error
    return _parse_idx(content, str(path), ndim), str(path)


def _parse_idx(content: bytes, name: str, ndim: int) -> Images:
    """Return the bytes of an IDX file as an array of so many dimensions."""
    magic = bytes([0, 0, _UNSIGNED_BYTES, ndim])
    start = len(magic) + 4 * ndim
    if content[: len(magic)] != magic or len(content) < start:
        msg = f"{name} begins with {content[:4].hex()}, not {magic.hex()} and {ndim} sizes."
        raise ValueError(msg)
    shape = [int(size) for size in np.frombuffer(content, ">u4", ndim, len(magic))]
    if min(shape) == 0 or len(content) - start != np.prod(shape, dtype=object):
        msg = f"{name} has {len(content) - start} bytes for numbers of shape {tuple(shape)}."
        raise ValueError(msg)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
