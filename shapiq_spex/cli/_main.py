"""From arguments to an exit code."""

from __future__ import annotations

import argparse
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shapiq_spex import __version__

from . import _options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What stands after the command's name; by default the process's own arguments.

    Returns:
        The exit code: 0 if all went well, 130 if interrupted. Wrong arguments exit with 2.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    run = {"demo": _demo, "explain": _explain, "compare": _compare}[options.command]
    try:
        with _plain_warnings():
            sys.stdout.write(run(options))
    except (ValueError, OSError, ImportError, RuntimeError, TypeError) as error:
        # What the arguments can still get wrong here is said by the error itself.
        sys.stderr.write(f"shapiq-spex {options.command}: error: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    return 0


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show warnings without the line of code that they come from."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        sys.stderr.write(f"warning: {message}\n")

    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = show
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="shapiq-spex",
        description="Find which parts of a model act together, with few model calls.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _options.add_demo(commands)
    _options.add_explain(commands)
    _options.add_compare(commands)
    return parser


# models are loaded in these, which `--help` and `--version` do without


def _demo(options: argparse.Namespace) -> str:
    from . import demo  # noqa: PLC0415

    return demo.run(options)


def _explain(options: argparse.Namespace) -> str:
    from . import explain  # noqa: PLC0415

    return explain.run(options)


def _compare(options: argparse.Namespace) -> str:
    from . import compare  # noqa: PLC0415

    return compare.run(options)
