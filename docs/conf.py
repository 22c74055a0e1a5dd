"""The pages: ``uv run --group docs sphinx-build -W --keep-going -n docs docs/_build``.

No network is needed. With ``SHAPIQ_SPEX_INTERSPHINX`` set, names of other packages become links.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import os
import pkgutil
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.util.nodes import make_refnode

import shapiq_spex
from shapiq_spex.cli._main import _parser

if TYPE_CHECKING:
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

_HERE = Path(__file__).parent

project = "shapiq-spex"
author = "The shapiq-spex developers"
copyright = author  # noqa: A001 Sphinx's own name
release = shapiq_spex.__version__
version = release

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build", "jupyter_execute"]

# notebooks are kept with their outputs
nb_execution_mode = "off"
myst_heading_anchors = 3
myst_enable_extensions: list[str] = []

autoclass_content = "both"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {
    "members": True,
    # what classes have of these is described by those who make them
    "inherited-members": "Approximator,Game,RuntimeError,Exception,BaseException,object",
}
autosummary_generate = False  # the tables are all that it is here for
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
add_module_names = False

html_theme = "furo"
html_title = f"shapiq-spex {release}"
html_show_copyright = False

if os.environ.get("SHAPIQ_SPEX_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "matplotlib": ("https://matplotlib.org/stable", None),
        "shapiq": ("https://shapiq.readthedocs.io/en/latest", None),
    }

# Names that are not ours have no page here unless their inventories are fetched.
_OTHERS = r"(numpy|np|npt|pd|pandas|matplotlib|sklearn|lightgbm|torch|transformers|shapiq|httpx)"
_STANDARD = r"(collections|fractions|typing|pathlib|os|argparse|_thread|threading)"
_BUILT_IN = r"(None|True|False|Ellipsis|[a-z]+|([A-Z][a-z]+)+(Error|Warning)|KeyboardInterrupt)"
# Hints that modules import only to be checked are shown without the module.
_HINTS = (
    r"(Any|AbstractContextManager|Literal|Self|Never|Callable|Iterable|Iterator|Mapping|Sequence|Hashable|Path|"
    r"NDArray|ArrayLike|InteractionValues|Game|GameLike|Axes|Figure)"
)
nitpick_ignore_regex = [
    (r"py:.*", rf"{_OTHERS}\..*"),
    (r"py:.*", rf"{_STANDARD}\..*"),
    (r"py:(class|exc|obj)", _BUILT_IN),
    (r"py:(class|obj)", _HINTS),
]


def _public_names() -> dict[str, str]:
    """Return where each public name is described, by the name alone."""
    places = {}
    for module in ("shapiq_spex.spectrum", "shapiq_spex.plots", "shapiq_spex.games", "shapiq_spex"):
        names: list[str] = importlib.import_module(module).__all__
        places.update({name: f"{module}.{name}" for name in names})
    return places


_PLACES = _public_names()


def _find_public(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element
) -> nodes.Element | None:
    """Link a name of ours that is given as the module that defines it, or without a module."""
    if node.get("refdomain") != "py":
        return None
    parts = node["reftarget"].split(".")
    if len(parts) > 1 and parts[0] != "shapiq_spex":
        return None
    objects = env.domains.python_domain.objects
    for count in (1, 2):  # a class or function; a method
        if len(parts) < count:
            break
        tail = parts[-count:]
        place = _PLACES.get(tail[0])
        if place:
            found = [name for name in [".".join([place, *tail[1:]])] if name in objects]
        else:  # types that have no public name, but are described beside those that have
            found = [name for name in objects if name.split(".")[-count:] == tail]
        if len(found) == 1:
            entry = objects[found[0]]
            start = node["refdoc"]
            return make_refnode(app.builder, start, entry.docname, entry.node_id, text, found[0])
    meaning = _all_short_names().get(parts[-1])
    return nodes.inline("", meaning) if meaning else None


@functools.cache
def _short_names(module: str, depth: int = 2) -> dict[str, str]:
    """Return what names of hints in a module stand for, as ``IntArray`` for ``NDArray[np.int64]``.

    Only those of unions, arrays, texts and the like: classes have a page.
    """
    if not depth or not module.startswith("shapiq_spex"):
        return {}
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return {}
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            package = module if spec.submodule_search_locations else module.rpartition(".")[0]
            name = "." * node.level + (node.module or "")
            source = importlib.util.resolve_name(name, package)
            there = _short_names(source, depth - 1)
            names = [alias.name for alias in node.names if alias.name in there]
            found |= {name: there[name] for name in names}
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, ast.unparse(node.value)
            if re.fullmatch(r"([A-Z][a-z]+)+", name) and re.match(r"[\w.]+(\[| \|)", value):
                found[name] = value
    return {name: _expand(text, found) for name, text in found.items() if name not in _PLACES}


@functools.cache
def _all_short_names() -> dict[str, str]:
    """Return those of all modules: types of attributes do not say where they are from."""
    found: dict[str, str] = {}
    for module in pkgutil.walk_packages(shapiq_spex.__path__, "shapiq_spex."):
        found = _short_names(module.name) | found
    return found


def _expand(text: str, names: dict[str, str]) -> str:
    return re.sub(r"(?<![\w.'])[A-Z]\w+\b(?!')", lambda match: names.get(match[0], match[0]), text)


def _expand_hints(
    _app: Sphinx,
    _what: str,
    _name: str,
    obj: object,
    _options: object,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Write what a hint means instead of what the module calls it."""
    names = _short_names(getattr(inspect.unwrap(obj), "__module__", None) or "")  # type: ignore[arg-type]
    return signature and _expand(signature, names), returned and _expand(returned, names)


def _shorten(
    _app: Sphinx, what: str, _name: str, _obj: object, _options: object, lines: list[str]
) -> None:
    """Leave out what says only that arguments follow."""
    if what in ("class", "exception"):
        lines[:] = [line for line in lines if not re.fullmatch(r"Initialize the [\w ]+\.", line)]


class _Help(Directive):
    """What a command prints with ``--help``."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return it as it is."""
        parser = _parser()
        if self.arguments:
            commands = next(a for a in parser._actions if a.dest == "command")  # noqa: SLF001
            parser = commands.choices[self.arguments[0]]  # type: ignore[index,call-overload]
        text = parser.format_help()
        return [nodes.literal_block(text, text, language="text")]


def _relink(_app: Sphinx, name: str, source: list[str]) -> None:
    """Turn links as GitHub needs them to the notebooks into those to their copies, and back."""
    if name.startswith("notebooks/"):
        source[0] = source[0].replace("](../examples/", "](../../examples/")
        source[0] = source[0].replace("](../docs/", "](../")
        source[0] = re.sub(r"\]\(\.\./README\.md(#[\w-]*)?\)", "](../index.md)", source[0])
    else:
        source[0] = re.sub(r"\]\((?:\.\./)+notebooks/", _to_copies(name), source[0])


def _to_copies(name: str) -> str:
    return f"]({'../' * name.count('/')}notebooks/"


def _copy_notebooks() -> None:
    """Bring the notebooks below the folder that Sphinx reads."""
    copies = _HERE / "notebooks"
    shutil.rmtree(copies, ignore_errors=True)
    copies.mkdir()
    for path in sorted((_HERE.parent / "notebooks").iterdir()):
        if path.suffix in (".ipynb", ".md", ".py"):
            shutil.copy2(path, copies / path.name)
    names = "\n".join(path.stem for path in sorted(copies.glob("*.ipynb")))
    with (copies / "README.md").open("a", encoding="utf-8") as readme:
        readme.write(f"\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n")


def setup(app: Sphinx) -> None:
    """Connect what stands above."""
    os.environ["COLUMNS"] = "90"  # of the help of commands
    _copy_notebooks()
    app.add_directive("command-help", _Help)
    app.connect("missing-reference", _find_public)
    app.connect("autodoc-process-docstring", _shorten)
    app.connect("autodoc-process-signature", _expand_hints)
    app.connect("source-read", _relink)
