"""Tests of data sets of images: real files in the published formats, good and bad."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex.games._pickles import read_pickle
from shapiq_spex.games.images import (
    CIFAR10_CLASSES,
    FASHION_MNIST_CLASSES,
    load_cifar10,
    load_mnist,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

PER_BATCH = 3
BATCHES = [f"data_batch_{part}" for part in range(1, 6)]
TEST = "test_batch"

rng = np.random.default_rng(0)
COLOURS = rng.integers(0, 256, (6 * PER_BATCH, 32, 32, 3), dtype=np.uint8)
COLOUR_LABELS = rng.integers(0, 10, len(COLOURS))
GREYS = rng.integers(0, 256, (5, 28, 28), dtype=np.uint8)
GREY_LABELS = np.array([9, 0, 3, 3, 1])


def rows(part: int) -> NDArray[np.uint8]:
    """Return the pixels of a batch as CIFAR-10 orders them: a plane of each colour."""
    images = COLOURS[part * PER_BATCH : (part + 1) * PER_BATCH]
    return images.transpose(0, 3, 1, 2).reshape(PER_BATCH, -1)


def labels(part: int) -> list[int]:
    """Return the classes of a batch."""
    return COLOUR_LABELS[part * PER_BATCH : (part + 1) * PER_BATCH].tolist()


def binary(part: int) -> bytes:
    """Return a batch of the binary version."""
    return b"".join(
        bytes([label, *row]) for label, row in zip(labels(part), rows(part), strict=True)
    )


def pickled(part: int) -> bytes:
    """Return a batch of the version for Python, as Python 3 writes it for Python 2."""
    batch = {b"batch_label": b"batch", b"labels": labels(part), b"data": rows(part)}
    return pickle.dumps(batch, protocol=2)


def pickled_by_python2(part: int) -> bytes:
    """Return a batch in the very opcodes of Python 2, in which the published files are."""

    def text(content: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(content)) + content

    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
        + b"".join((b"K", bytes([PER_BATCH]), b"M", struct.pack("<H", 3072), b"\x86"))
        + b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xff"
        + b"J\xff\xff\xff\xffK\x00tb\x89"
        + text(rows(part).tobytes())
        + b"tb"
    )
    numbers = b"".join(b"K" + bytes([label]) for label in labels(part))
    return (
        b"\x80\x02}q\x01(U\x04dataq\x02"
        + array
        + b"U\x06labelsq\x03]("
        + numbers
        + b"eU\x0bbatch_labelq\x04U\x05batchu."
    )


def write_cifar10(folder: Path, make: Callable[[int], bytes] = pickled, ending: str = "") -> Path:
    """Write all batches into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, name in enumerate([*BATCHES, TEST]):
        (folder / (name + ending)).write_bytes(make(part))
    return folder


def write_archive(path: Path, make: Callable[[int], bytes], ending: str = "") -> None:
    """Write all batches into an archive, among other things."""
    with tarfile.open(path, "w:gz") as archive:
        for part, name in enumerate([*BATCHES, TEST, "readme.html"]):
            content = make(min(part, 5))
            member = tarfile.TarInfo(f"cifar-10-batches/{name}{ending}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def idx(numbers: NDArray[Any]) -> bytes:
    """Return numbers in the format of MNIST."""
    sizes = struct.pack(f">{numbers.ndim}I", *numbers.shape)
    return bytes([0, 0, 8, numbers.ndim]) + sizes + numbers.astype(np.uint8).tobytes()


def write_mnist(
    folder: Path, part: str = "train", mark: str = "-", *, packed: bool = False
) -> Path:
    """Write images and labels in the format of MNIST."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, numbers in (("images", GREYS), ("labels", GREY_LABELS)):
        content = idx(numbers)
        name = f"{part}-{kind}{mark}idx{numbers.ndim}-ubyte"
        (folder / (name + ".gz" * packed)).write_bytes(
            gzip.compress(content) if packed else content
        )
    return folder


def check_cifar10(folder: Path) -> None:
    """Check that both parts of CIFAR-10 are what was written."""
    for train, places in ((True, slice(0, -PER_BATCH)), (False, slice(-PER_BATCH, None))):
        images, found = load_cifar10(folder, train=train)
        np.testing.assert_array_equal(images, COLOURS[places])
        np.testing.assert_array_equal(found, COLOUR_LABELS[places])
        assert (images.dtype, found.dtype) == (np.uint8, np.int64)
        images[0, 0, 0, 0] = 7  # a copy, which may be changed


@pytest.mark.parametrize("below", ["", "cifar-10", "a/b"])
@pytest.mark.parametrize(
    ("make", "ending"), [(binary, ".bin"), (pickled, ""), (pickled_by_python2, "")]
)
def test_cifar10_is_found_in_every_version(
    tmp_path: Path, make: Callable[[int], bytes], ending: str, below: str
) -> None:
    """All versions give the same images, wherever they lie below the folder."""
    write_cifar10(tmp_path / below, make, ending)
    check_cifar10(tmp_path)


@pytest.mark.parametrize(
    ("name", "make", "ending"),
    [("cifar-10-binary.tar.gz", binary, ".bin"), ("cifar-10-python.tar.gz", pickled, "")],
)
def test_cifar10_is_read_from_its_archives(
    tmp_path: Path, name: str, make: Callable[[int], bytes], ending: str
) -> None:
    """An archive is read as it is, and nothing is unpacked."""
    write_archive(tmp_path / name, make, ending)
    check_cifar10(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_numpy_1_and_columns_first_are_read() -> None:
    """Arrays that an older numpy wrote, or in the order of Fortran, are the same."""
    batch = pickle.dumps({"data": np.asfortranarray(rows(0))}, protocol=2)
    old = batch.replace(b"numpy._core.", b"numpy.core.")
    assert old != batch
    for content in (batch, old):
        np.testing.assert_array_equal(read_pickle(content, "x")["data"], rows(0))


class Malicious:
    """An object whose pickle makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        """Remember which file."""
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Say what loading calls."""
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle_runs_code(tmp_path: Path, protocol: int) -> None:
    """A pickle that calls something is refused before it does."""
    made = tmp_path / "made"
    bad = pickle.dumps({b"data": Malicious(made), b"labels": [1]}, protocol)
    write_cifar10(tmp_path / "data", lambda _: bad)
    with pytest.raises(ValueError, match=r"data_batch_1 is refused: it asks for \w+\.exec"):
        load_cifar10(tmp_path)
    assert not made.exists()
    pickle.loads(bad)  # noqa: S301 it is this test's own
    assert made.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.tofile.x\x93.",
        b"cbuiltins\ngetattr\n.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"ios\nsystem\n.",
        b"cnumpy\nload\n.",
        b"c_codecs\ndecode\n.",
        b"Poutside\n.",
        b"\x80\x02}r\xff\xff\xff\x7f.",
        b"}p999999999999\n.",
        b"\x80\x02\x82\x01.",
        b"cnumpy\ndtype\n(S'O'\ntR.",
        b"cnumpy\ndtype\n(S'u1'\ntR(I3\ntb.",
        b"cnumpy\nndarray\n}S'x'\nI1\nsb.",
        b"cnumpy\nndarray\n)\x81.",
        b"c_codecs\nencode\n(S'x'\nS'idna'\ntR.",
        b"cnumpy\nndarray\n)R(I1\n(I9\ntNI00\nS'x'\ntb.",
        b"",
        b"no pickle",
        b"\x80\x07.",
        pickle.dumps([1, 2]),
        pickle.dumps({"data": np.array([{}])}),
        pickle.dumps({"data": np.arange(3.0)}, protocol=2),
    ],
)
def test_pickles_of_anything_else_are_refused(content: bytes) -> None:
    """Whatever is no dict of plain things and bytes is a ValueError that names the file."""
    with pytest.raises(ValueError, match="batch"):
        read_pickle(content, "batch")


def test_a_pickle_cannot_change_the_reader() -> None:
    """What one pickle does to what it is given does not reach the next."""
    attack = b"cnumpy.core.multiarray\n_reconstruct\n(N}S'func'\nc_codecs\nencode\nstb."
    with pytest.raises(ValueError, match="batch"):
        read_pickle(attack, "batch")
    np.testing.assert_array_equal(read_pickle(pickled(0), "x")["data"], rows(0))


@given(place=st.integers(0, 400), byte=st.integers(0, 255), cut=st.booleans())
def test_damaged_pickles_are_value_errors(place: int, byte: int, cut: bool) -> None:  # noqa: FBT001
    """A byte that fell over, or a lost end, is read or is a ValueError, and nothing else."""
    content = pickle.dumps({b"labels": [1, 2], b"data": rows(0)[:, :9]}, protocol=2)
    place %= len(content)
    content = content[:place] if cut else content[:place] + bytes([byte]) + content[place + 1 :]
    try:
        read_pickle(content, "batch")
    except ValueError as error:
        assert "batch" in str(error)  # noqa: PT017 it may also be read


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({b"labels": [1]}, "no 'data'"),
        ({b"data": rows(0)[0], b"labels": [1]}, "no 'data'"),
        ({b"data": rows(0)[:, :-1], b"labels": [1, 2, 3]}, "no 'data'"),
        ({b"data": rows(0)}, "no 'labels'"),
        ({b"data": rows(0), b"labels": ["cat"] * 3}, "no 'labels'"),
        ({b"data": rows(0), b"labels": [1, 2]}, "2 labels for 3 images"),
        ({b"data": rows(0), b"labels": [1, 2, 10]}, "label 10;"),
        ({b"data": rows(0), b"labels": [1, 2, -1]}, "label -1;"),
        ({b"data": rows(0), b"labels": [1, 2, 1 << 70]}, "label"),
    ],
)
def test_wrong_batches_are_refused(tmp_path: Path, batch: dict[bytes, Any], message: str) -> None:
    """A pickle that is no batch of CIFAR-10 says what is wrong with it."""
    (tmp_path / TEST).write_bytes(pickle.dumps(batch, protocol=2))
    with pytest.raises(ValueError, match=message):
        load_cifar10(tmp_path, train=False)


def test_wrong_binaries_are_refused(tmp_path: Path) -> None:
    """Truncated and empty files, and classes that there are not, are errors."""
    file = tmp_path / "test_batch.bin"
    for content, message in [
        (binary(0)[:-1], "9218 bytes, which are no whole records of 3073"),
        (b"", "0 bytes"),
        (bytes([10]) + binary(0)[1:], "label 10; classes are 0 to 9"),
    ]:
        file.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            load_cifar10(tmp_path, train=False)


def test_broken_archives_are_refused(tmp_path: Path) -> None:
    """An archive that is cut off, damaged, none, or lacks a batch is an error."""
    path = tmp_path / "cifar-10-binary.tar.gz"
    write_archive(path, binary, ".bin")
    whole = path.read_bytes()
    wrong_sum = whole[:-8] + bytes(4) + whole[-4:]
    for content in (whole[: len(whole) // 2], whole[:-1], wrong_sum, b"no archive", b""):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="no readable archive"):
            load_cifar10(tmp_path)
    write_archive(path, binary, ".txt")
    with pytest.raises(ValueError, match=r"lacks data_batch_1\.bin, data_batch_2\.bin"):
        load_cifar10(tmp_path)


def test_missing_cifar10_is_an_error(tmp_path: Path) -> None:
    """What is not there is named, with where it was looked for."""
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        load_cifar10(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"looked for data_batch_1\.bin, data_batch_1 and"):
        load_cifar10(tmp_path)
    write_cifar10(tmp_path / "all")
    (tmp_path / "all" / "data_batch_4").unlink()
    with pytest.raises(FileNotFoundError, match=r"all lacks data_batch_4\."):
        load_cifar10(tmp_path)
    assert len(load_cifar10(tmp_path, train=False)[0]) == PER_BATCH


def test_a_whole_copy_is_taken_before_half_a_one(tmp_path: Path) -> None:
    """A copy that lacks a batch does not hide one that has all."""
    write_cifar10(tmp_path / "a")
    write_cifar10(tmp_path / "b")
    (tmp_path / "a" / "data_batch_1").unlink()
    check_cifar10(tmp_path)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize("below", ["", "MNIST/raw"])
def test_mnist_is_found(tmp_path: Path, below: str, mark: str, packed: bool) -> None:  # noqa: FBT001
    """Both parts are read, packed or not, with dashes or dots, wherever they lie."""
    for part, train in (("train", True), ("t10k", False)):
        write_mnist(tmp_path / below, part, mark, packed=packed)
        images, found = load_mnist(str(tmp_path), train=train)
        np.testing.assert_array_equal(images, GREYS)
        np.testing.assert_array_equal(found, GREY_LABELS)
        assert (images.dtype, found.dtype) == (np.uint8, np.int64)
        images[0, 0, 0] = 7  # a copy, which may be changed


def test_mnist_is_not_taken_for_fashion_mnist(tmp_path: Path) -> None:
    """Where both lie below the folder, one must say which; in it, it is clear."""
    write_mnist(tmp_path / "MNIST")
    write_mnist(tmp_path / "FashionMNIST")
    with pytest.raises(ValueError, match=r"in .*FashionMNIST and in .*MNIST: say which"):
        load_mnist(tmp_path)
    assert len(load_mnist(tmp_path / "MNIST")[0]) == len(GREYS)


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("images-idx3", idx(GREYS)[:-1], r"3919 bytes for numbers of shape \(5, 28, 28\)"),
        ("images-idx3", idx(GREYS) + b"x", "3921 bytes"),
        ("images-idx3", idx(GREYS)[:9], "begins with"),
        ("images-idx3", idx(GREY_LABELS), "begins with 00000801, not 00000803"),
        ("images-idx3", idx(GREYS[:, 1:]), r"\(27, 28\) pixels, not \(28, 28\)"),
        ("images-idx3", idx(GREYS[:0]), "0 bytes"),
        ("images-idx3", bytes([0, 0, 8, 3]) + b"\xff" * 12, "0 bytes for numbers"),
        ("labels-idx1", b"", "begins with"),
        ("labels-idx1", idx(GREY_LABELS[1:]), "4 labels for 5 images"),
        ("labels-idx1", idx(GREY_LABELS + 1), "label 10; classes are 0 to 9"),
    ],
)
def test_wrong_mnist_is_refused(tmp_path: Path, kind: str, content: bytes, message: str) -> None:
    """A file that is not what its name says is an error, packed or not."""
    for packed in (False, True):
        folder = write_mnist(tmp_path / str(packed), packed=packed)
        path = folder / f"train-{kind}-ubyte{'.gz' * packed}"
        path.write_bytes(gzip.compress(content) if packed else content)
        with pytest.raises(ValueError, match=message):
            load_mnist(folder)


def test_broken_gzip_is_refused(tmp_path: Path) -> None:
    """A packed file that is cut off, or not packed at all, is an error."""
    path = write_mnist(tmp_path, packed=True) / "train-images-idx3-ubyte.gz"
    for content in (path.read_bytes()[:-9], idx(GREYS)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="no readable gzip file"):
            load_mnist(tmp_path)


def test_missing_mnist_is_an_error(tmp_path: Path) -> None:
    """What is not there is named."""
    with pytest.raises(FileNotFoundError, match=r"train-images .* looked for train-images-idx3-u"):
        load_mnist(tmp_path)
    (write_mnist(tmp_path) / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="train-labels"):
        load_mnist(tmp_path)


def test_classes_have_names() -> None:
    """There is a name for each of the ten classes."""
    assert len(set(CIFAR10_CLASSES)) == len(set(FASHION_MNIST_CLASSES)) == 10
    assert CIFAR10_CLASSES[1] == "automobile"
    assert FASHION_MNIST_CLASSES[9] == "Ankle boot"
