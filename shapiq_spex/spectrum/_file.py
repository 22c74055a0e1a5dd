"""The file format of a spectrum: a numpy archive without pickle."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_FORMAT = "shapiq-spex/fourier-spectrum"
_VERSION = 1


def write(
    path: str | Path,
    n_players: int,
    sets: npt.NDArray[np.int64],
    coefficients: npt.NDArray[np.float64],
) -> None:
    """Write a spectrum atomically.

    Args:
        path: The file to write or replace.
        n_players: The number of players.
        sets: The padded sets, of shape ``(k, width)``.
        coefficients: The coefficients, of shape ``(k,)``.

    """
    target = Path(path)
    # beside the target, because a replacement across file systems would not be atomic
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with draft.open("xb") as file:
            np.savez_compressed(
                file,
                format=np.array(_FORMAT),
                version=np.array(_VERSION),
                n_players=np.array(n_players),
                sets=sets,
                coefficients=coefficients,
            )
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def read(path: str | Path) -> tuple[int, npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Read what ``write`` wrote.

    Args:
        path: The file.

    Returns:
        The number of players, the padded sets and the coefficients, not checked any further.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, holds something else or comes from a newer version.

    """
    with Path(path).open("rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                content = {name: archive[name] for name in archive.files}
        # a damaged archive raises nearly anything: zip, zlib, tokenizer, memory and value errors
        except Exception as error:
            msg = f"{path} is damaged, or no file of a spectrum."
            raise ValueError(msg) from error
    if "format" not in content or str(content["format"]) != _FORMAT:
        msg = f"{path} holds something else than a spectrum."
        raise ValueError(msg)
    _check_version(path, content)
    try:
        n_players = int(content["n_players"])
        return n_players, content["sets"], content["coefficients"]
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{path} is damaged: its entries are incomplete."
        raise ValueError(msg) from error


def _check_version(path: str | Path, content: dict[str, npt.NDArray[np.generic]]) -> None:
    """Refuse what a later version may have laid out otherwise."""
    version = content.get("version")
    if version is None or version.shape != () or version.dtype.kind not in "iu":
        msg = f"{path} is damaged: it has no version."
        raise ValueError(msg)
    if int(version) > _VERSION:
        msg = (
            f"{path} was written by a newer version of shapiq-spex: its format is {version}, "
            f"and this one reads up to {_VERSION}."
        )
        raise ValueError(msg)
