"""python -m model_zoo import FILE --classes A,B: a bundle of a model that somebody else made."""

import argparse
import re
from dataclasses import fields
from pathlib import Path

from model_zoo.imported import Choices, import_model
from model_zoo.zoo import bundle_folder
from scans.fit import RESAMPLING


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `import` to its parser."""
    parser.add_argument("file", metavar="FILE", type=Path, help="ONNX (.onnx) or Keras (.keras, .h5)")
    parser.add_argument(
        "--classes",
        required=True,
        type=_words,
        metavar="A,B,...",
        help="ids in the order of the outputs; those of Candor's datasets (glioma, notumor, ...) can be judged",
    )
    parser.add_argument("--id", default="", metavar="ID", help="default: made of the file's name")
    parser.add_argument("--names", default=(), type=_words, metavar="A,B,...", help="of the classes, to show")
    parser.add_argument("--size", type=_size, metavar="N|HxW", help="pixels, where the network takes any size")
    parser.add_argument("--channels", type=int, default=0, metavar="N", help="1 or 3, where the network takes any")
    parser.add_argument("--layout", default="", metavar="nhwc|nchw", help="of the channels, where it is not clear")
    parser.add_argument(
        "--range",
        dest="value_range",
        type=_numbers,
        default=(0.0, 1.0),
        metavar="LOW,HIGH",
        help="values of black and white (0,1)",
    )
    parser.add_argument("--mean", type=_numbers, default=(), metavar="X,...", help="subtracted after that, per channel")
    parser.add_argument("--std", type=_numbers, default=(), metavar="X,...", help="divided by after that, per channel")
    parser.add_argument("--crop", action="store_true", help="it was trained on scans cropped to the head")
    parser.add_argument("--stretch", action="store_true", help="it was trained on scans stretched to its size")
    parser.add_argument(
        "--resample", default="", metavar="HOW", help=f"{', '.join(RESAMPLING)}, as Pillow does (Candor's own way)"
    )
    parser.add_argument(
        "--trained-on", default="", metavar="TASK", help="the task whose training part counts as seen in training"
    )
    parser.add_argument("--licence", default="not stated", metavar="TEXT", help="of the weights")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} are no numbers with commas, as in 0,255") from None


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.lower().partition("x")
    try:
        return int(height), int(width or height)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size, as in 224 or 192x256") from None


def run(options: argparse.Namespace) -> int:
    """Make a bundle of a model that somebody else made, and print where it is and what to do next."""
    given = {field.name: getattr(options, field.name) for field in fields(Choices)}
    card = import_model(options.file, options.id or _id_of(options.file), Choices(**given))
    facts = card.imported
    print(f"{card.id}: {facts['format']}, {card.parameters:,} parameters, outputs: {facts['outputs']}")
    for label, name in zip(card.classes, card.names, strict=True):
        print(f"  {label}: {name}")
    print(f"\nThe bundle is {bundle_folder(card.id)}. Are its predictions those of its makers? Next:")
    print(f"  python -m model_zoo predict {card.id} SCAN    # compare it with theirs")
    print(f"  python -m train judge {card.id}    # its scores on every collection, and shortcut tests")
    print(f"  python -m explain evaluate --model {card.id} --data DIR    # its maps against radiologists' annotations")
    print("  make run    # opens it in the app")
    return 0


def _id_of(path: Path) -> str:
    """Return an id for the model in a file, made of the file's name."""
    return re.sub(r"[^a-z0-9.]+", "-", path.stem.lower()).strip("-.")[:40]
