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
        return {"demo": _demo, "explain": _explain}[options.command](options)
    except (ValueError, OSError, ImportError, RuntimeError) as error:
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
    _add_explain(commands)
    return parser


def _add_explain(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    explain = commands.add_parser(
        "explain",
        help="explain what in a prompt drives a language model's answer",
        description=(
            "Mask words or other parts of a text in many ways, ask a language model each time, and "
            "print which parts act alone and together on the log-odds of the first label."
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    text = explain.add_mutually_exclusive_group(required=True)
    text.add_argument("--prompt", metavar="TEXT", help="the text to explain")
    text.add_argument("--prompt-file", type=Path, metavar="FILE", help="a file with that text")
    explain.add_argument(
        "--template",
        default="{text}",
        help="what stands around the text, which is {text} in it; \\n for a new line",
    )
    explain.add_argument(
        "--model",
        help="a GGUF file, or a name at an endpoint; by default the small model of the extra demo",
    )
    explain.add_argument(
        "--url", help="an endpoint of OpenAI's protocol; its key in the variable OPENAI_API_KEY"
    )
    explain.add_argument("--chat", action="store_true", help="send prompts as a user's messages")
    explain.add_argument(
        "--labels", required=True, metavar="A,B", help="the answers, the one to explain first"
    )
    explain.add_argument(
        "--segment",
        choices=("word", "sentence", "paragraph", "line", "character"),
        default="word",
        help="what is masked",
    )
    explain.add_argument("--mask", default="", help="what stands for a masked part")
    explain.add_argument("--budget", type=int, default=500, help="prompts to ask")
    explain.add_argument(
        "--max-seconds", type=float, metavar="S", help="stop after this time with what there is"
    )
    explain.add_argument(
        "--dry-run", action="store_true", help="say what it would take, from a few prompts"
    )
    explain.add_argument("--approximator", choices=("proxyspex", "spex"), default="proxyspex")
    explain.add_argument("--index", choices=_INDICES, default="FBII", help="interaction index")
    explain.add_argument(
        "--max-order", type=_integer, default=3, help="most parts in an interaction"
    )
    explain.add_argument("--seed", type=_seed, default=0, help="fixes the masks")
    explain.add_argument("--html", type=Path, metavar="FILE", help="write a page that shows it")
    explain.add_argument("--json", type=Path, metavar="FILE", help="write the interaction values")
    explain.add_argument("--top", type=_integer, default=10, help="interactions to print")
    explain.add_argument(
        "--store",
        type=Path,
        metavar="FILE",
        help="keep the answers: the next run pays for new ones",
    )


def _explain(options: argparse.Namespace) -> int:
    from shapiq_spex import explain_prompt  # noqa: PLC0415 a model is loaded there

    sys.stdout.write(explain_prompt.run(options))
    return 0


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
