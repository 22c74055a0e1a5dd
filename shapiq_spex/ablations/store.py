"""A file that keeps ablations: one SQLite database for any number of games and processes.

A row is one evaluation: a game, a mask, the number of its repeat, and the vector that came out,
with a checksum of these, and when and how long it took. Rows are never changed. What is committed
survives a killed process and a crashed machine; a transaction holds a whole batch.

SQLite reads the file, and not we, and always together with its write-ahead log, since the newest
pages may be there alone. Where this process has a connection to the file, closing it after reading
by hand would take away that one's locks, and another process could delete the log under it.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import threading
import time
import warnings
import weakref
import zlib
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    PackedArray = NDArray[np.uint8]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    _Mode = Literal["ro", "rw", "rwc"]

_APPLICATION = 0x53504558  # "SPEX"
_FORMAT = 2  # 1: its checksums cover no more than the mask and the output
_HEADER = 100  # bytes that any SQLite file has
_BUSY_SECONDS = 60.0  # for another process's commit
_BEGINNING_SECONDS = 5.0  # for another process to begin a store
_PAUSE = 0.01
_NETWORK = ("nfs", "cifs", "smb", "fuse.sshfs", "afs", "lustre", "ceph")
_NUMBER = "<f8"
_PRIMARY = 0xFF  # the part of an error's code that names its kind
_PASSING = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
)
_COUNT_TABLES = "SELECT count(*) FROM sqlite_master"
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
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open a file, or begin a new one.

        Args:
            path: The file, on a disk of this machine. Beside it SQLite keeps two more while it is
                in use, of the same name with ``-wal`` and ``-shm``. A file in a folder that cannot
                be written to is read.

        Raises:
            StoreError: If it is no store, damaged, of a newer format, or cannot be used. It is left
                as it is.
        """
        self.path = Path(path).absolute()
        self._lock, self._lock_process = threading.RLock(), os.getpid()
        self._connection: _Connection | None = None
        self._added: dict[int, float] = {}
        if self.path.is_dir() or not self.path.parent.is_dir():
            msg = f"The store {self.path} must be a file in a folder that exists."
            raise StoreError(msg)
        if self.path.exists() and not self.path.is_file():
            msg = f"The store {self.path} must be a regular file, and no device, pipe or socket."
            raise StoreError(msg)
        _warn_of_network(self.path)
        end = time.monotonic() + _BEGINNING_SECONDS
        while True:
            try:
                if _is_new(self.path):
                    _create(self.path)
                _check(self.path)
                break
            except StoreError as error:
                # while another process begins the same file, there are errors that pass
                if not _passes(error.__cause__) or time.monotonic() > end:
                    raise
                time.sleep(_PAUSE)

    @property
    def lock(self) -> threading.RLock:
        """Held while this process uses the file; a forked process has its own."""
        if self._lock_process != os.getpid():
            self._lock, self._lock_process = threading.RLock(), os.getpid()
        return self._lock

    def game_id(self, fingerprint: str, n_players: int) -> int:
        """Return a game's number in this file, entering it if it is new.

        Args:
            fingerprint: What the game is known by.
            n_players: How many players it has.

        Returns:
            The number.

        Raises:
            StoreError: If the fingerprint stands for a game of another number of players, or it is
                new and the file cannot be written.
        """
        game = self.find_game(fingerprint, n_players)
        if game is not None:
            return game
        with self._write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO games (fingerprint, n_players, added) VALUES (?, ?, ?)",
                (fingerprint, n_players, time.time()),
            )
        return self.game_id(fingerprint, n_players)

    def find_game(self, fingerprint: str, n_players: int) -> int | None:
        """Return a game's number in this file, None if it is not there.

        Args:
            fingerprint: What the game is known by.
            n_players: How many players it has.

        Returns:
            The number.

        Raises:
            StoreError: If the fingerprint stands for a game of another number of players.
        """
        ask = "SELECT id, n_players, added FROM games WHERE fingerprint = ?"
        with self._use() as connection:
            row = connection.execute(ask, (fingerprint,)).fetchone()
        if row is None:
            return None
        game, stored_players, added = row
        if stored_players != n_players:
            msg = (
                f"The store {self.path} holds a game of this fingerprint with {stored_players} "
                f"players, not {n_players}. Pass another fingerprint."
            )
            raise StoreError(msg)
        self._added[game] = added
        return int(game)

    def rename_game(self, game: int, fingerprint: str) -> None:
        """Have a game be known by another fingerprint, unless there is a game of that one already.

        Args:
            game: What ``game_id`` returned.
            fingerprint: What it is to be known by.

        Raises:
            StoreError: If the file cannot be written.
        """
        with self._write() as connection:
            connection.execute(
                "UPDATE OR IGNORE games SET fingerprint = ? WHERE id = ?", (fingerprint, game)
            )

    def add(self, game: int, batch: Batch) -> int:
        """Keep a batch, all of it or, if that fails, nothing. What is there already stays.

        Args:
            game: The game's number in this file, of :meth:`game_id`.
            batch: The ablations.

        Returns:
            How many of the masks were new.

        Raises:
            StoreError: If the file cannot be written, as on a full disk, or there is no such game.
        """
        now = time.time()
        share = batch.seconds / max(1, len(batch.masks))
        pairs = list(zip(_rows(batch.masks), _rows(batch.outputs.astype(_NUMBER)), strict=True))
        with self._write() as connection:
            begun = self._begin_checksum(connection, game, batch.repeat)
            if begun is None:
                msg = f"The store {self.path} has no game of the number {game}."
                raise StoreError(msg)
            rows = [
                (game, mask, batch.repeat, output, now, share, _checksum(begun, mask, output))
                for mask, output in pairs
            ]
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
        asked = _rows(masks)
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
                connection.executemany("INSERT INTO asked VALUES (?, ?)", enumerate(asked))
                rows = connection.execute(ask, (game, repeat)).fetchall()
                begun = self._begin_checksum(connection, game, repeat)
        if any(row[1] != asked[row[0]] for row in rows):
            raise StoreError(self._describe_damage())
        outputs = self._to_outputs(begun, [row[1:] for row in rows])
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
            StoreError: If a row is not as it was written, or not all outputs have the same length.
        """
        ask = "SELECT mask, output, checksum FROM ablations WHERE game=? AND repeat=? ORDER BY mask"
        with self._use() as connection:
            rows = connection.execute(ask, (game, repeat)).fetchall()
            width = connection.execute("SELECT n_players FROM games WHERE id = ?", (game,))
            n_bytes = -(-int(width.fetchone()[0]) // 8)
            begun = self._begin_checksum(connection, game, repeat)
        outputs = self._to_outputs(begun, rows)
        masks = np.frombuffer(b"".join(mask for mask, _, _ in rows), dtype=np.uint8)
        return masks.reshape(len(rows), n_bytes), outputs

    def close(self) -> None:
        """Let go of the file. It is opened again when it is needed."""
        with self.lock:
            if self._connection is not None:
                self._let_go()
            self._connection = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the connection behind: it serves no other process."""
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Open the file in this process when it is needed."""
        self.path = state["path"]
        self._lock, self._lock_process = threading.RLock(), os.getpid()
        self._connection, self._added = None, {}

    def _begin_checksum(self, connection: _Connection, game: int, repeat: int) -> int | None:
        """Return what the checksums of a game's rows begin with, None if there is no such game."""
        ask = "SELECT added FROM games WHERE id = ?"
        row = connection.execute(ask, (game,)).fetchone()
        # games of the same number in different files were not added at the same time
        if self._added.get(game, row and row[0]) != (row and row[0]):
            raise StoreError(self._describe_loss())
        if row is None:
            return None
        return zlib.crc32(struct.pack("<qdq", game, *row, repeat)) if connection.format > 1 else 0

    def _check_length(self, connection: _Connection, game: int, length: int) -> None:
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

    def _to_outputs(
        self, begun: int | None, rows: Sequence[tuple[bytes, bytes, int]]
    ) -> FloatArray:
        """Return the outputs of rows of a mask, an output and a checksum, shape ``(k, d)``."""
        if not rows:
            return np.empty((0, 1))
        if begun is None or any(_checksum(begun, *row[:2]) != row[2] for row in rows):
            raise StoreError(self._describe_damage())
        if len({len(output) for _, output, _ in rows}) > 1:
            msg = f"The store {self.path} holds outputs of different lengths for one game."
            raise StoreError(msg)
        numbers = np.frombuffer(b"".join(output for _, output, _ in rows), dtype=_NUMBER)
        return numbers.reshape(len(rows), -1).astype(np.float64)

    def _describe_damage(self) -> str:
        return f"The store {self.path} is damaged (wrong checksums). It was left as it is."

    def _describe_loss(self) -> str:
        return (
            f"The store {self.path} was deleted or replaced while it was in use. What it held is "
            "no longer there: open it anew to begin again."
        )

    @contextmanager
    def _use(self) -> Iterator[_Connection]:
        """Yield the connection of this process, to one thread at a time."""
        with self.lock:
            try:
                if self._connection is None or self._connection.process != os.getpid():
                    self._check_place(_identify(self.path))
                    self._connection = _connect(self.path)
                    # Python 3.13 complains of connections that nobody closes
                    self._let_go = weakref.finalize(self, self._connection.let_go)
                yield self._connection
            except sqlite3.Error as error:
                broken = self._connection
                self.close()
                if broken is not None:
                    self._check_place(broken.file)
                raise StoreError(_describe(self.path, error)) from error

    @contextmanager
    def _write(self) -> Iterator[_Connection]:
        """Yield the connection within a transaction, whose end is on the disk.

        Raises:
            StoreError: If the file cannot be written, or is no longer where it was.
        """
        with self._use() as connection:
            self._check_place(connection.file)
            with _transaction(connection):
                yield connection
            self._check_place(connection.file)

    def _check_place(self, file: tuple[int, int] | None) -> None:
        """Refuse a file that the name does not point to any more, and which nobody can find."""
        if file is None or file != _identify(self.path):
            self.close()
            raise StoreError(self._describe_loss())


class _Connection(NamedTuple):
    """A connection to a file.

    Attributes:
        sqlite: SQLite's connection.
        process: The process that it serves.
        file: What identifies the file, wherever its name points to later.
        format: The format of the file.
    """

    sqlite: sqlite3.Connection
    process: int
    file: tuple[int, int] | None
    format: int

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute a statement."""
        return self.sqlite.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Any]) -> sqlite3.Cursor:
        """Execute a statement for each of some rows."""
        return self.sqlite.executemany(statement, rows)

    def let_go(self) -> None:
        """Close it, unless it is that of the process that this one was forked from."""
        if self.process == os.getpid():
            self.sqlite.close()


def _connect(path: Path) -> _Connection:
    """Connect to a store."""
    file = _identify(path)
    connection = _open(path, "rw")
    # what was paid for is worth a flush a batch
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("CREATE TEMP TABLE asked (position INTEGER PRIMARY KEY, mask BLOB)")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return _Connection(connection, os.getpid(), file, int(version))


def _open(path: Path, mode: _Mode) -> sqlite3.Connection:
    """Open a database together with its log.

    In a folder that cannot be written to, no log can be begun, so a file without one is whole, and
    is only read.
    """
    real = path.resolve()  # beside which SQLite keeps the log
    finished = not os.access(real.parent, os.W_OK) and not Path(f"{real}-wal").exists()
    return sqlite3.connect(
        f"{path.as_uri()}?mode={'ro&immutable=1' if finished else mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _identify(path: Path) -> tuple[int, int] | None:
    """Return what identifies the file of a name, None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _transaction(connection: _Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk has rolled it back already
            connection.execute("ROLLBACK")
        raise


def _is_new(path: Path) -> bool:
    """Say whether a store is to begin here: nothing is there, or what a killed process left.

    That is a file of no bytes, or a database of no tables that no program has claimed.
    """
    if not path.exists() or path.stat().st_size == 0:
        return True
    if path.stat().st_size < _HEADER:
        return False
    try:
        application, tables = _ask(path, "PRAGMA application_id", _COUNT_TABLES)
    except (sqlite3.Error, UnicodeDecodeError):
        return False  # what is wrong is found out below
    return bool(application == tables == 0)


def _create(path: Path) -> None:
    """Make a store of a new file, in one transaction; several processes may do so at once."""
    there = path.exists()
    mode = "wal"
    try:
        with closing(_open(path, "rwc")) as connection:
            mode = str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
            if mode == "wal":
                pragmas = f"PRAGMA application_id={_APPLICATION}; PRAGMA user_version={_FORMAT};"
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} {pragmas} COMMIT;")
    except sqlite3.Error as error:
        raise StoreError(_describe(path, error)) from error
    if mode != "wal":
        if not there and path.exists() and path.stat().st_size == 0:
            path.unlink()
        msg = (
            f"The store {path} is on a file system that SQLite's write-ahead log does not work on "
            f"(journal mode {mode!r}), as network drives are. Put it on a local disk."
        )
        raise StoreError(msg)


def _check(path: Path) -> None:
    """Refuse a file that is no store, or damaged, without writing to it."""
    found: Any = "ok"
    try:
        application, version = _ask(path, "PRAGMA application_id", "PRAGMA user_version")
        if application == _APPLICATION and version <= _FORMAT:
            (found,) = _ask(path, "PRAGMA quick_check(1)")
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if path.stat().st_size >= _HEADER and "not a database" not in str(error):
            raise StoreError(_describe(path, error)) from error
        msg = f"{path} is no store of ablations: it is no SQLite database. It was left as it is."
        raise StoreError(msg) from error
    if application != _APPLICATION:
        msg = f"{path} is a database of another program. It was left as it is."
        raise StoreError(msg)
    if version > _FORMAT:
        msg = (
            f"The store {path} has format {version}, this version of shapiq-spex knows formats up "
            f"to {_FORMAT}: install a newer one. It was left as it is."
        )
        raise StoreError(msg)
    if found != "ok":
        msg = f"The store {path} is damaged ({found}). It was left as it is."
        raise StoreError(msg)


def _ask(path: Path, *questions: str) -> list[Any]:
    """Return a database's answers of one number or text each, without writing to it.

    Where a process was killed in its first moments, that has to be undone before it can be read.
    """
    try:
        return _answer(path, "ro", questions)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_READONLY:
            raise
        return _answer(path, "rw", questions)


def _answer(path: Path, mode: _Mode, questions: Iterable[str]) -> list[Any]:
    with closing(_open(path, mode)) as connection:
        return [connection.execute(question).fetchone()[0] for question in questions]


def _passes(error: BaseException | None) -> bool:
    """Say whether an error may be gone a moment later."""
    return isinstance(error, sqlite3.OperationalError) and (
        error.sqlite_errorcode & _PRIMARY in _PASSING
    )


def _checksum(begun: int, mask: bytes, output: bytes) -> int:
    return zlib.crc32(output, zlib.crc32(mask, begun))


def _rows(array: NDArray[Any]) -> list[bytes]:
    """Return each row of a matrix as bytes."""
    content = array.tobytes()
    width = array.shape[1] * array.itemsize
    return [content[start : start + width] for start in range(0, len(content), width)]


def _describe(path: Path, error: Exception) -> str:
    """Say what is wrong with a file in a user's words."""
    text = str(error)
    if "readonly" in text:
        return (
            f"The store {path} can only be read, and this needs to be written to it: copy it to "
            "a folder that you can write to."
        )
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
