"""Tests of the file that keeps ablations, on real files, processes and limits."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
import sqlite3
import subprocess
import sys
import tempfile
import weakref
import zlib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapiq_spex.ablations import AblationStore, Batch, StoreError, store

if TYPE_CHECKING:
    from collections.abc import Callable

N = 19


def draw(m: int, n: int = N, seed: int = 0) -> np.ndarray:
    """Draw packed masks, distinct with overwhelming odds for many players."""
    masks = np.random.default_rng(seed).random((m, n)) < 0.5
    return np.packbits(np.unique(masks, axis=0), axis=1)


def fill(path: Path, m: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Write a store of one game, and return what is in it."""
    masks = draw(m, seed=seed)
    outputs = np.random.default_rng(seed).normal(size=(len(masks), 1))
    kept = AblationStore(path)
    kept.add(kept.game_id("game", N), Batch(masks, 0, outputs, 1.0))
    kept.close()
    return masks, outputs


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> AblationStore:
    """Open one store for many games."""
    return AblationStore(tmp_path_factory.mktemp("store") / "a.sqlite")


@given(
    n=st.integers(1, 5000),
    m=st.integers(1, 20),
    d=st.integers(1, 5),
    seed=st.integers(0, 1 << 32),
)
def test_everything_comes_back(shared: AblationStore, n: int, m: int, d: int, seed: int) -> None:
    """Masks of any width and outputs of any length come back bit for bit."""
    rng = np.random.default_rng(seed)
    masks = draw(m, n, seed)
    outputs = rng.normal(size=(len(masks), d)) * 10.0 ** rng.integers(-300, 300, size=(1, d))
    game = shared.game_id(f"{n} {m} {d} {seed}", n)
    shared.add(game, Batch(masks, 0, outputs, 1.0))
    assert np.array_equal(shared.find(game, masks)[1], outputs)
    found_masks, found_outputs = shared.read(game)
    assert np.array_equal(found_masks, masks)
    assert np.array_equal(found_outputs, outputs)


def test_some_masks_are_there(tmp_path: Path) -> None:
    """Those that are there come with their positions."""
    path = tmp_path / "a.sqlite"
    masks, outputs = fill(path)
    kept = AblationStore(path)
    asked = np.concatenate([draw(5, seed=1), masks[[7, 3]], draw(5, seed=2), masks[[5]]])
    positions, found = kept.find(1, asked)
    assert positions.tolist() == [5, 6, len(asked) - 1]
    assert np.array_equal(found, outputs[[7, 3, 5]])


def test_games_and_repeats_are_apart(tmp_path: Path) -> None:
    """One mask has an output for each game and repeat, and the first one stays."""
    kept = AblationStore(tmp_path / "a.sqlite")
    masks = draw(5)
    games = [kept.game_id(name, N) for name in ("one", "two", "one")]
    assert games[0] == games[2] != games[1]
    ones = np.ones((len(masks), 2))
    assert kept.add(games[0], Batch(masks, 0, ones, 1.0)) == len(masks)
    assert kept.add(games[0], Batch(masks, 1, 2 * ones, 1.0)) == len(masks)
    assert kept.add(games[0], Batch(masks, 0, 3 * ones, 1.0)) == 0
    assert np.array_equal(kept.find(games[0], masks)[1], ones)
    assert np.array_equal(kept.find(games[0], masks, 1)[1], 2 * ones)
    assert len(kept.find(games[0], masks, 2)[0]) == len(kept.find(games[1], masks)[0]) == 0
    assert kept.read(games[1])[1].shape == (0, 1)


def test_same_fingerprint_with_other_players(tmp_path: Path) -> None:
    """A fingerprint that stands for two games is refused."""
    kept = AblationStore(tmp_path / "a.sqlite")
    kept.game_id("game", 5)
    with pytest.raises(StoreError, match="5 players, not 6"):
        kept.game_id("game", 6)


def test_a_batch_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    """A batch that cannot be written to its end leaves nothing behind."""
    kept = AblationStore(tmp_path / "a.sqlite")
    game = kept.game_id("game", N)
    masks = draw(10)
    with pytest.raises(ValueError, match="zip"):
        kept.add(game, Batch(masks, 0, np.ones((len(masks) - 1, 1)), 1.0))
    with pytest.raises(StoreError, match="no game of the number 99"):
        kept.add(99, Batch(masks, 0, np.ones((len(masks), 1)), 1.0))
    assert kept.find(game, masks)[1].shape == (0, 1)


def test_opened_twice_beside_another_process(tmp_path: Path) -> None:
    """Opening a file again does not let go of it for other processes, who would then tidy it up."""
    path = tmp_path / "a.sqlite"
    masks, outputs = fill(path, 8)
    kept = AblationStore(path)
    game = kept.game_id("other game", N)
    look = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT count(*) FROM "
    look += "ablations').fetchone(); c.close()"
    for number in range(3):
        kept.add(game, Batch(masks[number : number + 1], 0, outputs[number : number + 1], 1.0))
        AblationStore(path)
        subprocess.run([sys.executable, "-c", look, str(path)], check=True)  # noqa: S603 our own
    kept.close()
    assert len(AblationStore(path).read(game)[0]) == 3


def another_database(path: Path) -> None:
    """Write a database of another program."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: path.write_bytes(b"no database at all" * 20), "no SQLite database"),
        (lambda path: path.write_bytes(b"short"), "no SQLite database"),
        (another_database, "another program"),
    ],
    ids=["text", "short", "another database"],
)
def test_foreign_files(write: Callable[[Path], object], reason: str, tmp_path: Path) -> None:
    """Files of other programs are refused and left as they are."""
    path = tmp_path / "a.sqlite"
    write(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=reason):
        AblationStore(path)
    assert path.read_bytes() == before


def test_newer_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of a later version is refused and left as it is."""
    path = tmp_path / "a.sqlite"
    monkeypatch.setattr(store, "_FORMAT", store._FORMAT + 1)
    fill(path)
    monkeypatch.undo()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"format 3.*install a newer one"):
        AblationStore(path)
    assert path.read_bytes() == before


def test_truncated_files(tmp_path: Path) -> None:
    """A file cut off anywhere is refused and left as it is; an empty one is a new store."""
    whole = tmp_path / "a.sqlite"
    fill(whole)
    content = whole.read_bytes()
    path = tmp_path / "b.sqlite"
    for length in np.random.default_rng(0).integers(1, len(content), size=30).tolist():
        path.write_bytes(content[:length])
        with pytest.raises(StoreError, match=r"damaged|no SQLite database"):
            AblationStore(path)
        assert path.read_bytes() == content[:length]


def test_damaged_contents(tmp_path: Path) -> None:
    """A byte that changed in the file is an error, and never another value."""
    path = tmp_path / "a.sqlite"
    masks, outputs = fill(path)
    content = bytearray(path.read_bytes())
    start = content.find(outputs[5].tobytes())
    content[start + 6] ^= 1
    path.write_bytes(content)
    kept = AblationStore(path)
    game = kept.game_id("game", N)
    with pytest.raises(StoreError, match="damaged"):
        kept.find(game, masks)
    with pytest.raises(StoreError, match="damaged"):
        kept.read(game)


@pytest.mark.parametrize("name", [".", "missing/a.sqlite"])
def test_no_place_for_a_file(name: str, tmp_path: Path) -> None:
    """A folder, or a file in none, is refused."""
    with pytest.raises(StoreError, match="must be a file in a folder that exists"):
        AblationStore(tmp_path / name)


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from shapiq_spex.ablations import AblationStore, Batch, StoreError
kept = AblationStore(sys.argv[1])
game = kept.game_id("game", 5000)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
rng = np.random.default_rng(0)
for batch in range(1000):
    masks = rng.integers(256, size=(20, 625), dtype=np.uint8)
    try:
        kept.add(game, Batch(masks, 0, np.full((20, 1), batch), 1.0))
    except StoreError as error:
        print(batch, error)
        break
"""


def test_full_disk(tmp_path: Path) -> None:
    """Where the file cannot grow, the error says so and all batches before are there."""
    path = tmp_path / "a.sqlite"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )
    batch, message = done.stdout.split(" ", 1)
    assert "is the disk full? All batches before this one are kept" in message
    kept = AblationStore(path)
    _, outputs = kept.read(kept.game_id("game", 5000))
    assert int(batch) >= 3
    assert sorted(outputs[:, 0].tolist()) == sorted(list(range(int(batch))) * 20)


def _write(path: Path, seed: int) -> None:
    """Open a store that may be new and write to it, as another process does at the same time."""
    kept = AblationStore(path)
    game = kept.game_id("game", 64)
    for i in range(20):
        masks = draw(30, 64, seed=100 * seed + i)
        kept.add(game, Batch(masks, 0, np.full((len(masks), 1), seed), 1.0))
    kept.close()


def test_many_processes(tmp_path: Path) -> None:
    """Several processes that begin and fill one file lose nothing."""
    path = tmp_path / "a.sqlite"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(path, seed)) for seed in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    kept = AblationStore(path)
    _, outputs = kept.read(kept.game_id("game", 64))
    assert [int((outputs == seed).sum()) for seed in range(3)] == [600, 600, 600]


def test_a_store_passes_to_another_process(tmp_path: Path) -> None:
    """A pickled store opens its file anew."""
    path = tmp_path / "a.sqlite"
    masks, outputs = fill(path)
    kept = AblationStore(path)
    again = pickle.loads(pickle.dumps(kept))  # noqa: S301 our own
    assert np.array_equal(again.find(1, masks)[1], outputs)


FORKED = """
import os, signal, sys, threading
from shapiq_spex.ablations import AblationStore
kept = AblationStore(sys.argv[1])
game = kept.game_id("game", 19)
held, done = threading.Event(), threading.Event()
def hold():
    with kept.lock:
        held.set()
        done.wait()
threading.Thread(target=hold, daemon=True).start()
held.wait()
child = os.fork()
if child == 0:
    signal.alarm(20)
    os._exit(kept.game_id("game", 19) - game)
status = os.waitpid(child, 0)[1]
done.set()
sys.exit(status != 0 or kept.game_id("game", 19) != game)
"""


def test_a_forked_process(tmp_path: Path) -> None:
    """It does not wait for a thread of its parent, and both go on using the file."""
    path = tmp_path / "a.sqlite"
    fill(path)
    subprocess.run([sys.executable, "-c", FORKED, str(path)], check=True)  # noqa: S603 our own


def test_network_drives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """Users of network drives are warned, others not."""
    AblationStore(tmp_path / "a.sqlite")
    assert not recwarn.list
    monkeypatch.setattr(store, "_mounts", lambda: [("/", "ext4"), (str(tmp_path), "nfs4")])
    with pytest.warns(UserWarning, match=r"network drive \(nfs4\)"):
        AblationStore(tmp_path / "b.sqlite")


def test_no_write_ahead_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQLite refuses its write-ahead log, the error says what to do, and nothing is left."""
    real = sqlite3.connect
    # a database in memory has no such log
    monkeypatch.setattr(store.sqlite3, "connect", lambda *_, **options: real(":memory:", **options))
    with pytest.raises(StoreError, match="Put it on a local disk"):
        AblationStore(tmp_path / "a.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """A file that a user made beforehand, with nothing in it, is as good as none."""
    path = tmp_path / "a.sqlite"
    path.touch()
    masks, outputs = fill(path)
    assert np.array_equal(AblationStore(path).find(1, masks)[1], outputs)


@pytest.mark.parametrize("open_", [True, False], ids=["open", "closed"])
@pytest.mark.parametrize("anew", [True, False], ids=["begun anew", "gone"])
def test_a_store_that_was_deleted(open_: bool, anew: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """Nothing is written to a file that cannot be found, or into another game of a new one."""
    path = tmp_path / "a.sqlite"
    masks, outputs = fill(path)
    kept = AblationStore(path)
    game = kept.game_id("game", N)
    if not open_:
        kept.close()
    path.unlink()
    if anew:
        AblationStore(path).game_id("another game", N)
    with pytest.raises(StoreError, match="deleted or replaced while it was in use"):
        kept.add(game, Batch(masks, 1, outputs, 1.0))
    if anew:
        assert len(AblationStore(path).read(1, 1)[0]) == 0


KILLED = """
import os, signal, sys, threading, time
from shapiq_spex.ablations import AblationStore
for i, delay in enumerate(map(float, sys.argv[2:])):
    child = os.fork()
    if child == 0:
        AblationStore(f"{sys.argv[1]}/{i}.sqlite").game_id("game", 5)
        os._exit(0)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
for i in range(len(sys.argv) - 2):
    AblationStore(f"{sys.argv[1]}/{i}.sqlite").game_id("game", 5)
"""


def test_killed_while_it_begins(tmp_path: Path) -> None:
    """A process killed at any moment leaves no store or a good one."""
    delays = np.linspace(0.0, 0.03, 100).round(5).astype(str).tolist()
    command = [sys.executable, "-c", KILLED, str(tmp_path), *delays]
    subprocess.run(command, check=True)  # noqa: S603
    assert {path.name for path in tmp_path.iterdir()} == {f"{i}.sqlite" for i in range(100)}


KILLED_WRITING = """
import os, signal, sys, time
import numpy as np
from shapiq_spex.ablations import AblationStore, Batch
kept = AblationStore(sys.argv[1])
rng = np.random.default_rng(0)
for kill in range(int(sys.argv[2])):
    child = os.fork()
    if child == 0:
        game = kept.game_id("game", 64)
        for batch in range(10_000):
            masks = np.random.default_rng([kill, batch]).integers(256, size=(8, 8), dtype=np.uint8)
            kept.add(game, Batch(masks, 0, np.full((8, 1000), batch), 1.0))
            os.write(1, b"+")
    time.sleep(rng.uniform(0.0, 0.2))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    AblationStore(sys.argv[1])
"""


def test_killed_while_it_writes(tmp_path: Path) -> None:
    """A process killed amid large batches leaves a store that opens, with all it had kept."""
    path = tmp_path / "a.sqlite"
    command = [sys.executable, "-c", KILLED_WRITING, str(path), "12"]
    done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    kept = AblationStore(path)
    _, outputs = kept.read(kept.game_id("game", 64))
    # a batch may be kept and its process killed before it could tell
    assert 0 <= len(outputs) - 8 * done.stdout.count(b"+") <= 8 * 12
    assert len(outputs) > 0


def test_beside_a_writer(tmp_path: Path) -> None:
    """A store opens while another process writes to it without pause."""
    path = tmp_path / "a.sqlite"
    command = [sys.executable, "-c", KILLED_WRITING.replace("0.2", "9.0"), str(path), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:  # noqa: S603 our own
        assert writer.stdout is not None
        writer.stdout.read(1)
        for _ in range(30):
            kept = AblationStore(path)
            kept.find(1, draw(5, 64))
            kept.close()
        writer.kill()


READ_ONLY = """
import os, sys
import numpy as np
from shapiq_spex.ablations import AblationStore, StoreError
if os.geteuid() == 0:
    os.setuid(65534)  # who is root may write everywhere
kept = AblationStore(sys.argv[1])
print(len(kept.read(kept.game_id("game", int(sys.argv[2])))[0]))
try:
    kept.game_id("new", 5)
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="folders are read-only elsewise there")
def test_a_folder_that_cannot_be_written_to() -> None:
    """A finished store is read there, and the error of writing names the mend."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own are for one user alone
        folder = Path(name)
        masks, _ = fill(folder / "a.sqlite")
        folder.chmod(0o555)
        command = [sys.executable, "-c", READ_ONLY, str(folder / "a.sqlite"), str(N)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        folder.chmod(0o755)
        count, message = done.stdout.split("\n", 1)
        assert int(count) == len(masks)
        assert "copy it to a folder that you can write to" in message
        assert [path.name for path in folder.iterdir()] == ["a.sqlite"]


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_special_files(kind: str, tmp_path: Path) -> None:
    """What is no regular file is refused, and is there afterwards."""
    path = tmp_path / "a.sqlite"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as found:
            found.bind(str(path))
    before = path.stat()
    with pytest.raises(StoreError, match="regular file"):
        AblationStore(path)
    assert path.stat().st_ino == before.st_ino
    assert list(tmp_path.iterdir()) == [path]


def test_swapped_pages(tmp_path: Path) -> None:
    """Rows of another game of the same masks, in a page put in their place, are no values."""
    contents = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.sqlite"
        masks = draw(300)
        kept = AblationStore(path)
        game = kept.game_id(name, N)
        kept.add(game, Batch(masks, 0, np.full((len(masks), 1), ord(name)), 1.0))
        kept.close()
        contents.append(path.read_bytes())
    size = 4096
    pages = [[c[i : i + size] for i in range(0, len(c), size)] for c in contents]
    # all but the first, which name the tables and games of each file
    first = next(i for i, page in enumerate(pages[0]) if masks[7].tobytes() in page)
    (tmp_path / "a.sqlite").write_bytes(b"".join(pages[0][:first] + pages[1][first:]))
    kept = AblationStore(tmp_path / "a.sqlite")
    game = kept.game_id("a", N)
    with pytest.raises(StoreError, match="damaged"):
        kept.find(game, masks)
    with pytest.raises(StoreError, match="damaged"):
        kept.read(game)


def test_the_format_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of format 1 are read and written as they are."""
    path = tmp_path / "a.sqlite"
    monkeypatch.setattr(store, "_FORMAT", 1)
    masks, outputs = fill(path)
    monkeypatch.undo()
    kept = AblationStore(path)
    game = kept.game_id("game", N)
    kept.add(game, Batch(masks, 1, 2 * outputs, 1.0))
    assert np.array_equal(kept.find(game, masks)[1], outputs)
    assert np.array_equal(kept.read(game, 1)[1], 2 * outputs)
    with kept._use() as connection:
        checksums = connection.execute("SELECT mask, output, checksum FROM ablations").fetchall()
    assert all(zlib.crc32(output, zlib.crc32(mask)) == found for mask, output, found in checksums)


BEGUN_TOGETHER = """
import os, sys, time
from shapiq_spex.ablations import AblationStore
for number in range(int(sys.argv[2])):
    start = time.time() + 0.05
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            time.sleep(max(0.0, start - time.time()))
            code = 1
            try:
                code = AblationStore(f"{sys.argv[1]}/{number}.sqlite").game_id("game", 5) - 1
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitpid(child, 0)[1] for child in children]
    assert codes == [0] * 4, codes
"""


def test_begun_by_several_at_once(tmp_path: Path) -> None:
    """Processes that begin the same file at the same moment agree on it."""
    command = [sys.executable, "-c", BEGUN_TOGETHER, str(tmp_path), "20"]
    subprocess.run(command, check=True)  # noqa: S603 our own


def test_links(tmp_path: Path) -> None:
    """A store under another name is read with its log, which lies beside the file itself."""
    masks, outputs = fill(tmp_path / "a.sqlite")
    kept = AblationStore(tmp_path / "a.sqlite")
    game = kept.game_id("game", N)
    kept.add(game, Batch(masks, 1, outputs, 1.0))  # in the log, while it is open
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "link.sqlite").symlink_to(tmp_path / "a.sqlite")
    elsewhere.chmod(0o555)
    with closing(AblationStore(elsewhere / "link.sqlite")) as linked:
        assert np.array_equal(linked.find(game, masks, 1)[1], outputs)
    elsewhere.chmod(0o755)


def test_closing_leaves_nothing(tmp_path: Path) -> None:
    """A store that is closed and used again keeps no connection of before."""
    kept = AblationStore(tmp_path / "a.sqlite")
    before = len(weakref.finalize._registry)  # type: ignore[attr-defined]
    for _ in range(20):
        kept.find_game("game", N)
        kept.close()
    assert len(weakref.finalize._registry) <= before + 1  # type: ignore[attr-defined]
