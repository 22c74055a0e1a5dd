"""The reference is complete: every public name says what it takes and what it returns."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MODULES = ("shapiq_spex", "shapiq_spex.games", "shapiq_spex.plots", "shapiq_spex.spectrum")


def _is_ours(member: object) -> bool:
    return (getattr(member, "__module__", None) or "").startswith("shapiq_spex")


def _described() -> Iterator[tuple[str, Any]]:
    """Yield public classes, functions, methods and properties with their names, each once."""
    seen: set[int] = set()
    for module in map(importlib.import_module, _MODULES):
        for name in module.__all__:
            thing = getattr(module, name)
            if id(thing) in seen or not (inspect.isclass(thing) or inspect.isfunction(thing)):
                continue  # constants and unions of types have no docstring
            seen.add(id(thing))
            yield name, thing
            if inspect.isclass(thing):
                yield from _members(name, thing)


def _members(name: str, owner: type) -> Iterator[tuple[str, Any]]:
    for member in dir(owner):
        found = inspect.getattr_static(owner, member)
        if isinstance(found, classmethod | staticmethod):
            found = found.__func__
        if isinstance(found, property):
            found = found.fget
        elif not inspect.isfunction(found):
            continue
        public = not member.startswith("_") or member == "__call__"
        if public and _is_ours(found):
            yield f"{name}.{member}", inspect.getattr_static(owner, member)


_DESCRIBED = dict(_described())


def _function(thing: object) -> Callable[..., object]:
    """Return what a method, or the constructor of a class, runs."""
    if isinstance(thing, classmethod | staticmethod):
        return thing.__func__
    return thing  # type: ignore[return-value]


def _docstring(thing: object) -> str:
    if isinstance(thing, property):
        thing = thing.fget
    text = inspect.getdoc(_function(thing)) or ""
    if inspect.isclass(thing) and inspect.isfunction(constructor := thing.__dict__.get("__init__")):
        text = f"{text}\n{inspect.getdoc(constructor) or ''}"
    return text


def _parameters(thing: object) -> list[str]:
    if isinstance(thing, property):
        return []
    if inspect.isclass(thing):
        ours = [base for base in thing.__mro__ if _is_ours(base)]
        if getattr(thing, "_is_protocol", False):
            return []
        if not any("__init__" in base.__dict__ for base in ours):
            return []  # errors
        if "__new__" in thing.__dict__:  # it takes anything, and the constructor says what
            thing = thing.__init__
    names = inspect.signature(_function(thing)).parameters
    return [name for name in names if name not in ("self", "cls") and not name.startswith("_")]


def _refers(text: str) -> bool:
    """Say whether the first line names the method that is described where all have it."""
    see = re.search(r"see :meth:`([\w.]+)`", text.partition("\n")[0])
    return see is not None and any(name.endswith(see[1]) for name in _DESCRIBED)


def test_docstrings_begin_with_a_sentence() -> None:
    """There is one everywhere."""
    firsts = {name: _docstring(thing).partition("\n")[0] for name, thing in _DESCRIBED.items()}
    assert not [name for name, first in firsts.items() if not re.fullmatch(r".+[.:]", first)]


def test_arguments_are_described() -> None:
    """All arguments of a function, those of a data class as its attributes."""
    missing = []
    for name, thing in _DESCRIBED.items():
        text = _docstring(thing)
        parameters = [] if _refers(text) else _parameters(thing)
        described = re.findall(r"^ +\**(\w+): ", text, re.MULTILINE)
        missing += [f"{name}: {each}" for each in parameters if each not in described]
        if parameters and not re.search(r"^(Args|Attributes):$", text, re.MULTILINE):
            missing.append(name)
    assert not missing


def test_what_is_returned_is_described() -> None:
    """Functions that return something have a section on it."""
    missing = []
    for name, thing in _DESCRIBED.items():
        text = _docstring(thing)
        if isinstance(thing, property) or inspect.isclass(thing) or _refers(text):
            continue
        returned = _function(thing).__annotations__.get("return")
        if returned in (None, "None", "Never"):
            continue
        if not re.search(r"^(Returns|Yields):$", text, re.MULTILINE):
            missing.append(name)
    assert not missing


def test_properties_are_read_whole() -> None:
    """Sphinx takes what stands before a colon in the first line of a property for its type."""
    split = []
    for name, thing in _DESCRIBED.items():
        if isinstance(thing, property):
            first = _docstring(thing).partition("\n")[0]
            if ": " in re.sub(r":\w+:`[^`]+`|`+[^`]+`+", "", first):
                split.append(name)
    assert not split
