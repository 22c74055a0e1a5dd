"""What a game is, as a number: equal for equal games in every process, another for others.

A game that says itself what changes its values, by an attribute ``fingerprint``, is taken at its
word, and what a user's subclass adds to it is read. Any other is read as a whole. Only a digest is
kept, nothing of the game can be read back.

Games that count their calls change by being evaluated. What an evaluation changed is no part of
what a game is, and is read as it was at first until anything else changes it. This is remembered
for each game by itself. What another thread may have changed meanwhile, a setting that is moved
while a slow game runs, is such a change only if the game's own code can have made it.
"""

from __future__ import annotations

import sys
import threading
import time
import types
import weakref
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from ._code import Writes
from ._origins import is_installed_class, is_installed_file, name_kind
from ._reading import Additions, First, Place, Reader, Slot

_MOST_ORPHANS = 64
_HARMLESS = frozenset({"tqdm", "joblib", "IPython", "ipykernel", "execnet"})  # their own threads
_POOL = "concurrent.futures.thread"  # whose workers wait unless a user's code is among their frames
_RUNS_CELLS = "Subshell"  # but for those of a notebook that run a user's code
_ASKED_ANEW = ("values", "value_function")  # of games whose outputs are kept


@dataclass
class _Change:
    """How a place was before it was first changed by an evaluation, and after the last one.

    Attributes:
        first: Its digest at first, empty where it was not there.
        last: Its digest after the last evaluation.
        names: The names on the way to the place.
        owner: A weak reference to what has it, None for lists, dictionaries and closures, which
            have none: to keep them would keep the game.
        in_globals: Whether it is reached by a global variable or a class.
    """

    first: bytes
    last: bytes
    names: tuple[str, ...]
    owner: weakref.ref[Any] | None
    in_globals: bool

    @property
    def is_alive(self) -> bool:
        """Whether there still is what has the place, as far as that can be told."""
        return self.owner is None or self.owner() is not None

    @property
    def is_shared(self) -> bool:
        """Whether others may have the place when the game is gone."""
        return self.in_globals or self.owner is not None


@dataclass
class _Memory:
    """What evaluations of a game changed.

    Attributes:
        changes: The places that they changed.
        totals: The digests that the game had.
    """

    changes: dict[Slot, _Change] = field(default_factory=dict)
    totals: set[bytes] = field(default_factory=set)

    def first(self) -> First:
        """Return what to read for what, for a reader."""
        changes = list(self.changes.items())  # another thread may learn more
        return {
            slot: (each.last, each.first, each.names) for slot, each in changes if each.is_alive
        }

    def applies(self, reader: Reader) -> bool:
        """Say whether some place that was read is as an evaluation left it."""
        return any(
            slot in reader.places and reader.places[slot].digest == last
            for slot, (last, *_) in self.first().items()
        )


_memories: dict[int, _Memory] = {}  # by the id of a game that is alive
_orphans: deque[_Memory] = deque(maxlen=_MOST_ORPHANS)  # what dead games changed elsewhere


class Identifier:
    """Finds the fingerprint of a game, which may change between two evaluations.

    Attributes:
        seconds: How long the game was last read.
    """

    def __init__(self, game: Any, given: str | None = None) -> None:  # noqa: ANN401 any callable
        """Remember the game.

        Args:
            game: The game.
            given: What the user says of it, in place of what is found.
        """
        self._game, self._given = game, given
        self._last: Reader | None = None
        self._watched = True  # whether others may change the game during an evaluation
        self.seconds = 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Leave what was read behind: it is read again before it is needed."""
        return {**self.__dict__, "_last": None}

    def fingerprint(self) -> str:
        """Return the fingerprint as of now, 64 hexadecimal digits.

        Raises:
            ValueError: If something in the game cannot be read.
        """
        return self._read().total.hex()

    def fingerprint_before(self) -> str | None:
        """Return the fingerprint of stores from before versions counted, None if it is the same."""
        if self._given is not None or not self._read().was_named_otherwise:
            return None
        first = self._memory().first()
        return Reader(self._subject(), first, versions=False).total.hex()

    def begin(self) -> str:
        """Return the fingerprint of a game that is about to be evaluated.

        Raises:
            ValueError: If something in the game cannot be read.
        """
        self._last = self._read()
        self._watched = _is_watched()
        return self._last.total.hex()

    def confirm(self) -> str | None:
        """Learn what an evaluation changed since :meth:`begin` or the last time.

        Returns:
            What somebody else changed meanwhile, by its name; None if nothing.
        """
        if self._given is not None or self._last is None:
            return None
        before = self._last
        try:
            after = self._read()
        except ValueError:  # of what it has opened; the next call complains before it pays
            return None
        if after.total != before.total:
            self._learn(before, after)
            after = self._read()
        if after.total != before.total:
            return self._name_change(before, after)
        self._last = after
        return None

    def end(self) -> None:
        """Let go of what was read."""
        self._last = None

    def _read(self) -> Reader:
        """Read the game, as it was before its own evaluations changed it."""
        if self._given is not None:
            return Reader(["given", self._given], {})
        start = time.perf_counter()
        try:
            found = self._read_with_memory(self._subject())
        except Exception as error:
            msg = (
                f"Cannot tell what the values of this {type(self._game).__name__} depend on: "
                f"reading it raised {type(error).__name__}. Pass fingerprint='...', a text that "
                "names everything that changes a value, or give the game an attribute "
                "`fingerprint`."
            )
            raise ValueError(msg) from error
        self.seconds = time.perf_counter() - start
        return found

    def _read_with_memory(self, subject: object) -> Reader:
        """Read what this game changed, or an equal one, as it was at first."""
        own = self._memory()
        found = Reader(subject, own.first())
        if found.total in own.totals:
            return found
        for other in [*_memories.values(), *_orphans]:
            if other is not own and other.applies(found):
                again = Reader(subject, own.first() | other.first())
                if again.total in other.totals:
                    self._adopt(other, again)
                    return again
        return found

    def _subject(self) -> object:
        """Return what is read."""
        said = getattr(self._game, "fingerprint", None)
        if said is None or _is_borrowed(self._game, said):
            return self._game
        value = said() if callable(said) else said
        added = _find_additions(self._game)
        return [*name_kind(type(self._game)), value, *([] if added is None else [added])]

    def _memory(self) -> _Memory:
        """Return what evaluations of the game changed."""
        return _memories.get(id(self._root()), _Memory())

    def _root(self) -> object:
        """Return what lives as long as the game: of a bound method, the object that it is of."""
        root = getattr(self._game, "__self__", self._game)
        return root if type(root).__weakrefoffset__ else self

    def _adopt(self, other: _Memory, reader: Reader) -> None:
        """Remember of an equal game what it changed in places that this one has, too."""
        memory = _remember(self._root())
        memory.totals.add(reader.total)
        for slot, change in list(other.changes.items()):
            place = reader.places.get(slot)
            if place is not None and place.digest == change.last:
                memory.changes.setdefault(slot, change)

    def _learn(self, before: Reader, after: Reader) -> None:
        """Remember what changed from before an evaluation to after it, and by it."""
        changes = {
            slot: place for slot, place in after.places.items() if _is_changed(slot, place, before)
        }
        if self._watched:
            writes = Writes(after.code.functions, after.code.methods)
            changes = {
                slot: place
                for slot, place in changes.items()
                if writes.cover(place.names, place.owners, is_generator=place.is_generator)
            }
        if not changes:
            return
        memory = _remember(self._root())
        memory.totals.add(before.total)
        known = memory.changes
        for slot, place in changes.items():
            first = before.places[slot].read_as if slot in before.places else b""
            owner = _refer(place.owner)
            known[slot] = _Change(first, place.digest, place.names, owner, place.in_globals)
        # what is no longer part of the game can go
        for slot in known.keys() - after.places.keys():
            del known[slot]

    def _name_change(self, before: Reader, after: Reader) -> str:
        """Return the name of a place that somebody else changed."""
        for slot, place in after.places.items():
            if place.names and _is_changed(slot, place, before):
                return ".".join(place.names)
        return "what it is made of"


def _is_changed(slot: Slot, place: Place, before: Reader) -> bool:
    """Say whether a place changed itself, and not something further inside."""
    old = before.places.get(slot)
    if old is None:  # in a new object, the place that holds it has changed
        return id(place.owner) in before.owners
    return old.digest != place.digest and (old.held != place.held or old.innermost)


def _find_additions(game: object) -> Additions | None:
    """Return what a user's classes add to one that says what its values depend on."""
    if "fingerprint" in getattr(game, "__dict__", {}):
        return None
    classes = type(game).__mro__
    # where no class has it, it is that of another object that stands behind this one
    base = next((cls for cls in classes if "fingerprint" in vars(cls)), object)
    added = tuple(cls for cls in classes if cls not in base.__mro__ and not is_installed_class(cls))
    keeps_outputs = all(callable(getattr(game, name, None)) for name in ("outputs", "values"))
    left_out = frozenset(_ASKED_ANEW if keeps_outputs else ())
    return Additions(game, added, base, left_out) if added else None


def _is_borrowed(game: object, said: object) -> bool:
    """Say whether a function has only been given the attributes of the one that it wraps."""
    wrapped = getattr(game, "__wrapped__", None)
    borrowed = getattr(wrapped, "fingerprint", None) is said is not None
    return borrowed and isinstance(game, types.FunctionType)


def _remember(root: object) -> _Memory:
    """Return what is to be filled for a game that is alive."""
    if id(root) not in _memories:
        weakref.finalize(root, _forget, id(root)).atexit = False
        _memories[id(root)] = _Memory()
    return _memories[id(root)]


def _forget(key: int) -> None:
    """Forget what a dead game changed, but for what others can see."""
    memory = _memories.pop(key)
    memory.changes = {slot: each for slot, each in memory.changes.items() if each.is_shared}
    if memory.changes:
        for other in [each for each in _orphans if each.totals & memory.totals]:
            _orphans.remove(other)
        _orphans.append(memory)


def _refer(owner: object) -> weakref.ref[Any] | None:
    """Return a weak reference, if there can be one."""
    return weakref.ref(owner) if type(owner).__weakrefoffset__ else None


def _is_watched() -> bool:
    """Say whether other threads may change a game."""
    known = {thread.ident: thread for thread in threading.enumerate()}
    here = threading.get_ident()
    return any(
        ident != here and not _is_harmless(known.get(ident), frame)
        for ident, frame in sys._current_frames().items()  # noqa: SLF001 there is no other way
    )


def _is_harmless(thread: threading.Thread | None, frame: types.FrameType | None) -> bool:
    """Say whether a thread runs no user's code: of a progress bar, a notebook, an idle pool."""
    while frame is not None:
        if not is_installed_file(frame.f_code.co_filename):
            return False
        frame = frame.f_back
    if thread is None:  # not begun by Python's threading, as those of test runners
        return True
    if _RUNS_CELLS in type(thread).__name__:
        return False
    target = getattr(thread, "_target", None)
    homes = {type(thread).__module__, getattr(target, "__module__", None) or ""}
    return _POOL in homes or not _HARMLESS.isdisjoint(home.partition(".")[0] for home in homes)
