"""What does the README say of speed and accuracy? Its two tables, made from the files the commands wrote.

python -m benchmarks.report      # after the benchmarks, or after a model was trained
"""

import json
from pathlib import Path

from benchmarks.record import RESULTS
from model_zoo import models

README = Path(__file__).parents[1] / "README.md"
_MARKS = ("<!-- {0}: made by python -m benchmarks.report -->", "<!-- end of {0} -->")


def main() -> None:
    """Put the tables into the README."""
    text = README.read_text()
    for name, table in (("accuracy", accuracy()), ("speed", speed())):
        start, end = (mark.format(name) for mark in _MARKS)
        head, _, rest = text.partition(start)
        text = f"{head}{start}\n{table}\n{end}{rest.partition(end)[2]}"
    README.write_text(text)


def accuracy() -> str:
    """Return the table of the zoo, from its cards."""
    rows = [
        "| model | trained on | accuracy, all test scans | accuracy, test scans with no twin in training |",
        "|---|---|---|---|",
    ]
    for card in models().values():
        cells = []
        for subset in ("all scans", "no twin in training"):
            figure = card.figure("accuracy", "test", subset)
            cells.append(
                f"{figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f}), {figure.scans:,} scans"
                if figure
                else "not measured"
            )
        rows.append(f"| `{card.id}` | {card.dataset}, {card.dataset_version} | {' | '.join(cells)} |")
    return "\n".join(rows)


def speed() -> str:
    """Return the table of the benchmarks, from their results."""
    prediction, gradcam, training, browser = (_result(n) for n in ("prediction", "gradcam", "training", "browser"))
    upload = browser["upload to heatmap, warm"]
    machine = prediction["machine"]
    rows = [
        f"Measured on {machine['cores']} cores of an {machine['processor']} ({machine['bfloat16']}); the others and "
        "ours take turns in one run.",
        "",
        "| what | others | ours | ratio | command |",
        "|---|---|---|---|---|",
    ]
    for name in ("cnn3-kaggle4", "ResNet50V2 224 px"):
        for batch in ("batch 1", "batch 32"):
            found = prediction[name][batch]
            rows.append(
                f"| predictions a second, {name}, {batch} | {found['model.predict, scans a second']:g} "
                f"(`model.predict`) | {found['ours, scans a second']:g} ({prediction[name]['runtime']}) | "
                f"{found['ours over model.predict']:g} x | `{prediction['command']}` |"
            )
    for name in ("cnn3-kaggle4", "MobileNetV2 128 px", "ResNet50V2 224 px"):
        found = gradcam[name]
        difference = found["largest difference of the maps, share of the largest value"]
        rows.append(
            f"| Grad-CAM, warm, {name} | {found['tf-keras-vis, milliseconds']:g} ms (tf-keras-vis) | "
            f"{found['compiled, milliseconds']:g} ms; maps differ by at most {difference:g} of the largest value | "
            f"{found['tf-keras-vis over compiled']:g} x | `{gradcam['command']}` |"
        )
    rows += [
        f"| training, images a second, cnn3-kaggle4 | {training['plain, images a second']:g} "
        f"(Keras loader and layers, float32) | {training['ours, images a second']:g} "
        f"({training['precision of ours']}) | {training['ours over plain']:g} x | `{training['command']}` |",
        f"| upload to heatmap in the browser, warm, median of {upload['scans']} scans | | "
        f"{upload['median seconds']:g} s ({upload['fastest']:g} to {upload['slowest']:g}) | | `{browser['command']}` |",
        "| page painted after the server is up | | "
        f"{browser['page painted, seconds after the server was up']:g} s | | `{browser['command']}` |",
        "| first prediction after the start of the process | | "
        f"{browser['first prediction, seconds after the start of the process']:g} s | | `{browser['command']}` |",
    ]
    return "\n".join(rows)


def _result(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text())


if __name__ == "__main__":
    main()
