"""Where code comes from: from a user, who may change it, or from an installed package."""

from __future__ import annotations

import functools
import importlib.metadata
import sys
import sysconfig
import types
from pathlib import Path
from typing import Any

from ._tags import find_place

_INSTALLED = frozenset({"site-packages", "dist-packages"})
_SCRIPTS = ("__main__", "__mp_main__")  # the second where a process was spawned
_OWN = "shapiq_spex"
_HEAP_TYPE = 1 << 9  # a flag of classes that were not made in C at compile time
# they hold and move numbers, tell of progress, start processes or are part of any game
_UNVERSIONED = frozenset(
    {
        *("numpy", "scipy", "pandas", "polars", "pyarrow", "matplotlib", "PIL", "tqdm", "joblib"),
        *(
            "cloudpickle",
            "threadpoolctl",
            "requests",
            "httpx",
            "tenacity",
            "pytest",
            "shapiq",
            _OWN,
        ),
    }
)
_DESCRIPTORS = (
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
)


def is_installed_function(function: types.FunctionType) -> bool:
    """Say whether a function counts by its name, by what its code and its globals tell.

    Its attributes tell less: ``functools.wraps`` gives a user's function the name of another one,
    and under a profiler or in a worker ``__main__`` is another program.
    """
    return _is_installed_code(function) and is_installed_module(function.__module__)


def _is_installed_code(function: types.FunctionType) -> bool:
    file = function.__code__.co_filename
    if file.startswith("<frozen "):
        return True
    if not file.startswith("<"):
        return is_installed_file(file)
    # made by a program, as of dataclasses: its globals are those of the module that made it
    variables = function.__globals__
    name = variables.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    return vars(module) is variables and is_installed_module(name) if module else False


def is_installed_class(cls: type) -> bool:
    """Say whether a class counts by its name: if it stands in a module of an installed package."""
    if not cls.__flags__ & _HEAP_TYPE or not isinstance(cls.__module__, str):
        return True  # made in C
    if not is_installed_module(cls.__module__):
        return False
    found: Any = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None) if "<" not in part else None
    if found is cls:
        return True
    # it is named as another one, or made within a function
    functions = [value for value in vars(cls).values() if isinstance(value, types.FunctionType)]
    if functions:
        return all(_is_installed_code(function) for function in functions)
    return any(isinstance(value, _DESCRIPTORS) for value in vars(cls).values())


def is_installed_module(name: str | None) -> bool:
    """Say whether a module belongs to Python or an installed package, and counts by its name."""
    name = name or ""
    if name in _SCRIPTS:
        return False
    if name.partition(".")[0] in ("shapiq", _OWN):
        return True
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return name in sys.builtin_module_names or name.startswith(("_frozen", "importlib._"))
    return is_installed_file(file)


@functools.cache
def is_installed_file(file: str) -> bool:
    """Say whether a file of code belongs to Python or an installed package."""
    if not _INSTALLED.isdisjoint(Path(file).parts):
        return True
    if Path(file).is_relative_to(Path(__file__).parents[1]):
        return True
    return Path(file).resolve().is_relative_to(_standard_library())


@functools.cache
def _standard_library() -> Path:
    return Path(sysconfig.get_paths()["stdlib"]).resolve()


def name_of(thing: type | types.FunctionType) -> str:
    """Return what an installed class or function is called in fingerprints."""
    return f"{find_place(str(thing.__module__), thing.__qualname__)}.{thing.__qualname__}"


def name_kind(kind: type) -> tuple[str, str]:
    """Return what a game's class is called in fingerprints: its module and its name there."""
    place = find_place(kind.__module__, kind.__qualname__)
    return ("__main__" if place in _SCRIPTS else place), kind.__qualname__


def find_version(module: str | None) -> str | None:
    """Return the version of the package of a module; None where it changes no value.

    Args:
        module: The name of the module.
    """
    top = (module or "").partition(".")[0]
    if not top or top in _UNVERSIONED or top in sys.stdlib_module_names or top in _SCRIPTS:
        return None
    noted = vars(sys.modules[top]).get("__version__") if top in sys.modules else None
    file = getattr(sys.modules.get(top), "__file__", None)
    versions = {name: _read_version(name) for name in _distributions(top, file)}
    if noted is None and not any(versions.values()):
        return None
    return f"{noted} {versions}"


@functools.cache
def _distributions(top: str, file: str | None) -> tuple[str, ...]:  # noqa: ARG001 of this place
    """Return the names of what was installed and has a module, as scikit-learn has sklearn."""
    try:
        importlib.metadata.version(top)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        found = importlib.metadata.packages_distributions().get(top, ())
        return tuple(sorted(set(found)))
    return (top,)


def _read_version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
