"""The command ``shapiq-spex``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shapiq_spex import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

_INDICES = ("FBII", "FSII", "k-SII", "STII", "SII", "BII")
_FORMATS = (".png", ".pdf", ".svg", ".jpg")
_HIGHEST_SEED = 2**32 - 1


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
    try:
        return _demo(options)
    except (ValueError, OSError) as error:
        # What the arguments can still get wrong here is said by the error itself.
        parser.error(str(error))
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="shapiq-spex",
        description="Find which parts of a model act together, with few model calls.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="explain how a neural network reads a handwritten digit",
        description=(
            "Train a small neural network on scikit-learn's handwritten digits, explain one "
            "held-out digit by SPEX with its 64 pixels as players, print the strongest "
            "interactions and how faithful the explanation is, and draw it."
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.add_argument("--budget", type=int, default=2000, help="ablations the explanation may use")
    demo.add_argument(
        "--output",
        type=_picture,
        default="shapiq-spex-demo.png",
        metavar="FILE",
        help="where the picture goes",
    )
    demo.add_argument("--seed", type=_seed, default=0, help="fixes network, image and masks")
    demo.add_argument("--index", choices=_INDICES, default="FBII", help="interaction index")
    demo.add_argument(
        "--max-order", type=_order, default=3, help="most pixels in an interaction, at least 2"
    )
    return parser


def _demo(options: argparse.Namespace) -> int:
    # Training needs scikit-learn and matplotlib, which `--help` and `--version` do not.
    from shapiq_spex import demo  # noqa: PLC0415

    outcome = demo.run(
        budget=options.budget,
        output=options.output,
        seed=options.seed,
        index=options.index,
        max_order=options.max_order,
    )
    sys.stdout.write(f"{outcome.report()}\n\nPicture: {options.output}\n")
    return 0


def _picture(text: str) -> Path:
    """Check before the work that the picture can be written after it."""
    path = Path(text)
    if path.suffix.lower() not in _FORMATS:
        msg = f"'{text}' must end in one of {', '.join(_FORMATS)}"
        raise argparse.ArgumentTypeError(msg)
    if not path.parent.is_dir():
        msg = f"there is no folder '{path.parent}'"
        raise argparse.ArgumentTypeError(msg)
    return path


def _seed(text: str) -> int:
    seed = _integer(text)
    if not 0 <= seed <= _HIGHEST_SEED:
        msg = f"must be between 0 and {_HIGHEST_SEED}, got {seed}"
        raise argparse.ArgumentTypeError(msg)
    return seed


def _order(text: str) -> int:
    order = _integer(text)
    if order < 2:  # noqa: PLR2004 - an interaction has two players or more
        msg = f"must be at least 2 to show interactions, got {order}"
        raise argparse.ArgumentTypeError(msg)
    return order


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        msg = f"'{text}' is not a whole number"
        raise argparse.ArgumentTypeError(msg) from None
