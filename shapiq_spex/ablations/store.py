"""A file that keeps ablations: one SQLite database for any number of games and processes.

A row is one evaluation: a game's fingerprint, a mask, the number of its repeat, and the vector that
came out, with when and how long it took, and a checksum. Rows are never changed. What is committed
survives a killed process and a crashed machine; a transaction holds a whole batch.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
import time
import warnings
import weakref
import zlib
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    PackedArray = NDArray[np.uint8]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_APPLICATION = 0x53504558  # "SPEX"
_FORMAT = 1
_HEADER = 100  # bytes that any SQLite file has
_BUSY_SECONDS = 60.0  # for another process's commit
_NETWORK = ("nfs", "cifs", "smb", "fuse.sshfs", "afs", "lustre", "ceph")
_NUMBER = "<f8"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS games (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    n_players INTEGER NOT NULL,
    added REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS ablations (
    game INTEGER NOT NULL REFERENCES games,
    mask BLOB NOT NULL,
    repeat INTEGER NOT NULL,
    output BLOB NOT NULL,
    evaluated REAL NOT NULL,
    seconds REAL NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (game, mask, repeat)
) STRICT, WITHOUT ROWID;
"""


class StoreError(RuntimeError):
    """The file cannot be used as a store, or could not be written."""


@dataclass(frozen=True)
class Batch:
    """Ablations to be kept.

    Attributes:
        masks: The distinct masks, packed eight players to a byte, shape ``(m, ceil(n / 8))``.
        repeat: Which of the repeats of these masks it is.
        outputs: What came out, shape ``(m, d)``.
        seconds: How long it took.
    """

    masks: PackedArray
    repeat: int
    outputs: FloatArray
    seconds: float


class AblationStore:
    """Keeps ablations in a file, and finds them again.

    Several stores may use one file, in several threads and processes.

    Attributes:
        path: The file.
        lock: Held while this process uses the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open a file, or begin a new one.

        Args:
            path: The file, on a disk of this machine. Beside it SQLite keeps two more while it is
                in use, of the same name with ``-wal`` and ``-shm``.

        Raises:
            StoreError: If it is no store, damaged, of a newer format, or cannot be used. It is left
                as it is.
        """
        self.path = Path(path).absolute()
        self.lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = os.getpid()
        if self.path.is_dir() or not self.path.parent.is_dir():
            msg = f"The store {self.path} must be a file in a folder that exists."
            raise StoreError(msg)
        _warn_of_network(self.path)
        if not self.path.exists() or self.path.stat().st_size == 0:
            _create(self.path)
        _check_header(self.path)
        _check_pages(self.path)

    def game_id(self, fingerprint: str, n_players: int) -> int:
        """Return a game's number in this file, entering it if it is new.

        Args:
            fingerprint: What the game is known by.
            n_players: How many players it has.

        Returns:
            The number.

        Raises:
            StoreError: If the fingerprint stands for a game of another number of players.
        """
        with self._use() as connection:
            ask = "SELECT id, n_players FROM games WHERE fingerprint = ?"
            row = connection.execute(ask, (fingerprint,)).fetchone()
            if row is None:
                connection.execute(
                    "INSERT OR IGNORE INTO games (fingerprint, n_players, added) VALUES (?, ?, ?)",
                    (fingerprint, n_players, time.time()),
                )
                row = connection.execute(ask, (fingerprint,)).fetchone()
        game, stored_players = row
        if stored_players != n_players:
            msg = (
                f"The store {self.path} holds a game of this fingerprint with {stored_players} "
                f"players, not {n_players}. Pass another fingerprint."
            )
            raise StoreError(msg)
        return int(game)

    def add(self, game: int, batch: Batch) -> int:
        """Keep a batch, all of it or, if that fails, nothing. What is there already stays.

        Args:
            game: The game's number in this file, of :meth:`game_id`.
            batch: The ablations.

        Returns:
            How many of the masks were new.

        Raises:
            StoreError: If the file cannot be written, as on a full disk.
        """
        now = time.time()
        share = batch.seconds / max(1, len(batch.masks))
        pairs = zip(_rows(batch.masks), _rows(batch.outputs.astype(_NUMBER)), strict=True)
        rows = [
            (game, mask, batch.repeat, output, now, share, _checksum(mask, output))
            for mask, output in pairs
        ]
        if not self.path.exists():
            msg = f"The store {self.path} was deleted while it was in use."
            raise StoreError(msg)
        with self._use() as connection, _transaction(connection):
            self._check_length(connection, game, batch.outputs.shape[1])
            insert = "INSERT OR IGNORE INTO ablations VALUES (?,?,?,?,?,?,?)"
            return connection.executemany(insert, rows).rowcount

    def find(self, game: int, masks: PackedArray, repeat: int = 0) -> tuple[IntArray, FloatArray]:
        """Find what came out for masks.

        Args:
            game: What ``game_id`` returned.
            masks: Packed masks, shape ``(m, ceil(n / 8))``.
            repeat: Which repeat.

        Returns:
            The positions of the masks that were evaluated, shape ``(k,)``, and their outputs,
            shape ``(k, d)``.

        Raises:
            StoreError: If a row is not as it was written, or not all outputs have the same length.
        """
        anything = "SELECT 1 FROM ablations WHERE game = ? LIMIT 1"
        ask = """
            SELECT position, a.mask, output, checksum FROM asked CROSS JOIN ablations AS a
            ON game = ? AND a.mask = asked.mask AND repeat = ? ORDER BY position
        """
        with self._use() as connection:
            if connection.execute(anything, (game,)).fetchone() is None:
                return np.empty(0, dtype=np.int64), np.empty((0, 1))
            with _transaction(connection, "BEGIN"):  # otherwise each row is one
                connection.execute("DELETE FROM asked")
                connection.executemany("INSERT INTO asked VALUES (?, ?)", enumerate(_rows(masks)))
                rows = connection.execute(ask, (game, repeat)).fetchall()
        outputs = self._to_outputs([row[1:] for row in rows])
        return np.array([row[0] for row in rows], dtype=np.int64), outputs

    def version(self) -> int:
        """Return a number that changes when another process or store writes to the file.

        Returns:
            SQLite's ``data_version``: equal numbers mean that nobody else wrote in between.
        """
        with self._use() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def read(self, game: int, repeat: int = 0) -> tuple[PackedArray, FloatArray]:
        """Return all ablations of a game.

        Args:
            game: What ``game_id`` returned.
            repeat: Which repeat.

        Returns:
            The packed masks, shape ``(m, ceil(n / 8))``, in the order of their bytes, and the
            outputs, shape ``(m, d)``.

        Raises:
            StoreError: If not all outputs have the same length.
        """
        ask = "SELECT mask, output, checksum FROM ablations WHERE game=? AND repeat=? ORDER BY mask"
        with self._use() as connection:
            rows = connection.execute(ask, (game, repeat)).fetchall()
            width = connection.execute("SELECT n_players FROM games WHERE id = ?", (game,))
            n_bytes = -(-int(width.fetchone()[0]) // 8)
        masks = np.frombuffer(b"".join(mask for mask, _, _ in rows), dtype=np.uint8)
        return masks.reshape(len(rows), n_bytes), self._to_outputs(rows)

    def close(self) -> None:
        """Let go of the file. It is opened again when it is needed."""
        with self.lock:
            if self._connection is not None:
                _let_go(self._connection, self._process)
            self._connection = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the connection behind: it serves no other process."""
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Open the file in this process when it is needed."""
        self.path = state["path"]
        self.lock, self._connection, self._process = threading.RLock(), None, os.getpid()

    def _check_length(self, connection: sqlite3.Connection, game: int, length: int) -> None:
        """Refuse outputs of another length than those that there are."""
        ask = "SELECT length(output) FROM ablations WHERE game = ? LIMIT 1"
        row = connection.execute(ask, (game,)).fetchone()
        if row is not None and row[0] != length * np.dtype(_NUMBER).itemsize:
            before = row[0] // np.dtype(_NUMBER).itemsize
            msg = (
                f"The game returned {length} number(s) a mask, and {before} before. If it has "
                "changed, pass another fingerprint."
            )
            raise StoreError(msg)

    def _to_outputs(self, rows: Sequence[tuple[bytes, bytes, int]]) -> FloatArray:
        """Return the outputs of rows of a mask, an output and a checksum, shape ``(k, d)``."""
        if any(_checksum(mask, output) != checksum for mask, output, checksum in rows):
            msg = f"The store {self.path} is damaged (wrong checksums). It was left as it is."
            raise StoreError(msg)
        if len({len(output) for _, output, _ in rows}) > 1:
            msg = f"The store {self.path} holds outputs of different lengths for one game."
            raise StoreError(msg)
        numbers = np.frombuffer(b"".join(output for _, output, _ in rows), dtype=_NUMBER)
        shape = (len(rows), -1) if rows else (0, 1)
        return numbers.reshape(shape).astype(np.float64)

    @contextmanager
    def _use(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection of this process, to one thread at a time."""
        with self.lock:
            try:
                if self._connection is None or self._process != os.getpid():
                    self._connection, self._process = _connect(self.path), os.getpid()
                    # Python 3.13 complains of connections that nobody closes
                    weakref.finalize(self, _let_go, self._connection, self._process)
                yield self._connection
            except sqlite3.Error as error:
                self.close()
                raise StoreError(_describe(self.path, error)) from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    # what was paid for is worth a flush a batch
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("CREATE TEMP TABLE asked (position INTEGER PRIMARY KEY, mask BLOB)")
    return connection


def _let_go(connection: sqlite3.Connection, process: int) -> None:
    """Close a connection, unless it is that of the process that this one was forked from."""
    if process == os.getpid():
        connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk has rolled it back already
            connection.execute("ROLLBACK")
        raise


def _create(path: Path) -> None:
    """Put a new store there, all at once: a process killed on the way leaves none.

    Should another process put one there at the same time, that one stays.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        with closing(sqlite3.connect(name, isolation_level=None)) as connection:
            mode = str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
            if mode != "wal":
                msg = (
                    f"The store {path} is on a file system that SQLite's write-ahead log does not "
                    f"work on (journal mode {mode!r}), as network drives are. Put it on a local "
                    "disk."
                )
                raise StoreError(msg)
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_FORMAT}")
        if path.exists() and path.stat().st_size == 0:
            Path(name).replace(path)
            return
        with suppress(FileExistsError):
            _link(Path(name), path)
    except sqlite3.Error as error:
        raise StoreError(_describe(path, error)) from error
    finally:
        for extra in ("", "-wal", "-shm"):
            Path(name + extra).unlink(missing_ok=True)


def _link(new: Path, path: Path) -> None:
    """Give a file its name unless there is one of that name."""
    try:
        path.hardlink_to(new)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        new.rename(path)


def _check_header(path: Path) -> None:
    """Refuse a file that is no store, without writing to it.

    SQLite reads it, and not we: where this process has a connection to the file, closing it after
    reading by hand would take away that one's locks, and another process could then delete the
    write-ahead log under it.
    """
    application = version = 0
    is_database = path.stat().st_size >= _HEADER
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
        with closing(connection):
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if "not a database" not in str(error):
            raise StoreError(_describe(path, error)) from error
        is_database = False
    if not is_database:
        msg = f"{path} is no store of ablations: it is no SQLite database. It was left as it is."
        raise StoreError(msg)
    if application != _APPLICATION:
        msg = f"{path} is a database of another program. It was left as it is."
        raise StoreError(msg)
    if version > _FORMAT:
        msg = (
            f"The store {path} has format {version}, this version of shapiq-spex knows formats up "
            f"to {_FORMAT}: install a newer one. It was left as it is."
        )
        raise StoreError(msg)


def _check_pages(path: Path) -> None:
    """Refuse a damaged file, without writing to it."""
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
        try:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise StoreError(_describe(path, error)) from error
    if found != "ok":
        msg = f"The store {path} is damaged ({found}). It was left as it is."
        raise StoreError(msg)


def _checksum(mask: bytes, output: bytes) -> int:
    return zlib.crc32(output, zlib.crc32(mask))


def _rows(array: NDArray[Any]) -> list[bytes]:
    """Return each row of a matrix as bytes."""
    content = array.tobytes()
    width = array.shape[1] * array.itemsize
    return [content[start : start + width] for start in range(0, len(content), width)]


def _describe(path: Path, error: Exception) -> str:
    """Say what is wrong with a file in a user's words."""
    text = str(error)
    if "full" in text or "disk I/O" in text:
        return (
            f"The store {path} could not be written ({text}): is the disk full? All batches before "
            "this one are kept; make room and run the same call again."
        )
    if "malformed" in text or "not a database" in text or isinstance(error, UnicodeDecodeError):
        return f"The store {path} is damaged ({text}). It was left as it is."
    if "locked" in text:
        return f"The store {path} was locked by another process for {_BUSY_SECONDS:.0f} s."
    if "locking protocol" in text:
        return f"SQLite's write-ahead log does not work where {path} is. Put it on a local disk."
    return f"The store {path} cannot be used ({text})."


def _warn_of_network(path: Path) -> None:
    """Warn where a file is on a network drive, as far as the system tells."""
    kind = _file_system(path.parent.resolve(), _mounts())
    if kind.startswith(_NETWORK):
        message = (
            f"{path} is on a network drive ({kind}), where SQLite's write-ahead log fails once two "
            "machines use the file. Put the store on a local disk."
        )
        warnings.warn(message, skip_file_prefixes=(str(Path(__file__).parent),))


def _mounts() -> Sequence[tuple[str, str]]:
    """Return the mounted folders and their file systems, nothing where the system does not say."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [(fields[1], fields[2]) for fields in map(str.split, lines) if len(fields) > 2]  # noqa: PLR2004


def _file_system(folder: Path, mounts: Sequence[tuple[str, str]]) -> str:
    """Return the file system of the innermost mounted folder that a folder is in."""
    around = {str(parent) for parent in (folder, *folder.parents)}
    inside = [(len(mount), kind) for mount, kind in mounts if mount in around]
    return max(inside, default=(0, ""), key=lambda pair: pair[0])[1]
