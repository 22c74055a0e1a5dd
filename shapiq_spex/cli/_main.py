"""From arguments to an exit code."""

from __future__ import annotations

import argparse
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shapiq_spex import __version__
from shapiq_spex._texts import without_marks
from shapiq_spex.ablations import AblationError

from . import _options
from ._files import check_files
from ._streams import lasting_streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_UNREAD = 141  # as a program has that the closed pipe ends


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What stands after the command's name; by default the process's own arguments.

    Returns:
        The exit code: 0 if all went well, 130 if interrupted, 141 if nobody read the report to its
        end. Wrong arguments exit with 2.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    with lasting_streams() as report:
        try:
            code = _run(_parser(), [without_marks(argument) for argument in arguments])
        finally:
            report.flush()
        return _UNREAD if report.unread else code


def _run(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> int:
    """Do what the arguments ask for, and return the exit code."""
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    run = {"demo": _demo, "explain": _explain, "compare": _compare}[options.command]
    try:
        with _plain_warnings():
            check_files(options)
            _print(run(options))
    except (ValueError, OSError, ImportError, RuntimeError, TypeError) as error:
        # What the arguments can still get wrong here is said by the error itself.
        reason = str(error)
        if isinstance(error, AblationError):  # what it says of answers and options is Python's
            reason = f"{reason.partition(' What was evaluated before')[0]} {_say_kept(options)}"
        sys.stderr.write(f"shapiq-spex {options.command}: error: {reason.rstrip()}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write(f"{_say_kept(options)}\ninterrupted\n".lstrip())
        return 130
    return 0


def _print(report: str) -> None:
    """Print a report; where that fails, as on a full disk, it should not be lost."""
    try:
        sys.stdout.write(report)
        sys.stdout.flush()
    except OSError as error:
        msg = f"{report}\nThe report could not be printed where it should: {error}"
        raise OSError(msg) from error


def _say_kept(options: argparse.Namespace) -> str:
    """Say what becomes of the answers where a run is broken off."""
    if not hasattr(options, "store") or options.dry_run:
        return ""
    if options.store is None:
        return "Without --store no answer is kept: the next run asks for all of them again."
    return f"The answers so far are in {options.store}: the same command goes on from there."


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
