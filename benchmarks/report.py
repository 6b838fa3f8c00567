"""What does the README say of accuracy, cost and speed? Its tables, made from the files the commands wrote.

python -m benchmarks.report      # after the benchmarks, or after a model was trained
"""

import json
from pathlib import Path

from benchmarks.app_tables import waiting
from benchmarks.explanation_tables import explainers, localisation, quality
from benchmarks.record import RESULTS
from datasets.audit import AUDITS_FOLDER
from model_zoo import Estimate, ModelCard, models, read_card
from model_zoo.scores import NO_NEAR_DUPLICATE, PROBE
from model_zoo.verify import bundle_folders
from train.recipe import find_recipe, recipe_of, trained_on
from train.shortcut_tests import SHORTCUT_TESTS

README = Path(__file__).parents[1] / "README.md"
_MARKS = ("<!-- {0}: made by python -m benchmarks.report -->", "<!-- end of {0} -->")


def main() -> None:
    """Put the tables into the README."""
    text = README.read_text()
    for name, table in TABLES.items():
        start, end = (mark.format(name) for mark in _MARKS)
        head, _, rest = text.partition(start)
        text = f"{head}{start}\n{table()}\n{end}{rest.partition(end)[2]}"
    README.write_text(text)


def measured() -> list[tuple[str, ModelCard]]:
    """Return the name and card of every system that was measured, shipped or not; the phantom's is a demonstration."""
    found = []
    for folder in bundle_folders():
        card = read_card(folder / "card.json")
        if card.task != "phantom4":
            shipped = "" if (folder / "model.keras").exists() else " (weights not shipped)"
            found.append((f"`{card.id}`{shipped}", card))
    return found


def accuracy() -> str:
    """Return the table of systems: their authors' figure and ours, from the cards and nowhere else."""
    rows = [
        "| system | authors' figure | ours, as published | ours, twins removed | another cohort: 44c | its T1C+ |",
        "|---|---|---|---|---|---|",
    ]
    for name, card in measured():
        as_published, apart = own_accuracy(card)
        first = cell(as_published) if as_published or not apart else "no published split"
        rows.append(
            f"| {name} | {card.published or 'our own'} | {first} | {cell(apart, _own_measure(card))} | "
            f"{elsewhere(card, 'no near-duplicate in training')} | {elsewhere(card, 'sequence T1C+')} |"
        )
    return "\n".join(rows)


def own_accuracy(card: ModelCard) -> tuple[Estimate | None, Estimate | None]:
    """Return the accuracy as published and the one with twins removed.

    A pooled model is compared where the others are: on the Kaggle set's own test split. Of the other sets
    nobody published a split, so only the grouped one is there: accuracy, or macro F1 for figshare.
    """
    if card.task.startswith("pooled"):
        return tuple(card.score("accuracy", "cohort kaggle", subset) for subset in ("all scans", "no near-duplicate in training"))
    if card.task == "kaggle4":
        return card.score("accuracy", "test"), card.score("accuracy", "test", "no near-duplicate in training")
    name = _own_measure(card)
    return None, card.score(name, "test", "no near-duplicate in training") or card.score(name, "test")


def _own_measure(card: ModelCard) -> str:
    return "macro F1" if card.task == "figshare3" else "accuracy"


def elsewhere(card: ModelCard, subset: str) -> str:
    """Return the balanced accuracy on 44c's test part, and whether the model has seen that collection."""
    if card.task == "44c15":
        return "its own"
    figure = card.score("balanced accuracy", "cohort 44c", subset)
    seen = "44c" in trained_on(recipe_of(card.recipe))
    return cell(figure, "balanced accuracy") + (", trained on" if seen and figure else "")


def cell(estimate: Estimate | None, measure: str = "accuracy") -> str:
    """Return an estimate with its interval, what it is of, and the scans behind it."""
    if not estimate:
        return "not measured"
    kind = "" if measure == "accuracy" else f"{measure} "
    return f"{kind}{estimate.decimal()}, {estimate.scans:,} scans"


def across() -> str:
    """Return the matrix of every system against every collection whose classes it shares, twins removed."""
    columns = [("44c", NO_NEAR_DUPLICATE), *(("44c", f"sequence {name}") for name in ("T1", "T1C+", "T2"))]
    columns += [(name, NO_NEAR_DUPLICATE) for name in ("kaggle", "figshare", "br35h")]
    titles = [name if subset == NO_NEAR_DUPLICATE else f"{name}, {subset.removeprefix('sequence ')}" for name, subset in columns]
    rows = [f"| system | {' | '.join(titles)} |", "|---" * (len(columns) + 1) + "|"]
    for name, card in measured():
        seen = trained_on(recipe_of(card.recipe))
        cells = []
        for cohort, subset in columns:
            figure = card.score("balanced accuracy", f"cohort {cohort}", subset)
            cells.append(f"{figure.value:.2f}{'*' * (cohort in seen)} ({figure.scans:,})" if figure else "")
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def cheating() -> str:
    """Return what every system says when it is shown what it should not need, or what should not matter."""
    checks = [*SHORTCUT_TESTS, "source probe"]
    rows = [f"| system | {' | '.join(checks)} |", "|---" * (len(checks) + 1) + "|"]
    for name, card in measured():
        found = [
            card.score(PROBE if check == "source probe" else "balanced accuracy", "check", check) for check in checks
        ]
        if any(found):
            rows.append(f"| {name} | {' | '.join(f'{figure.value:.2f}' if figure else '' for figure in found)} |")
    return "\n".join(rows)


def training() -> str:
    """Return the table of what each shipped model costs to train and to keep, and what the rest takes."""
    found = _result("recipes")
    rows = [
        "| recipe | weights | size | training scans | images a second | seconds an epoch | the whole recipe |",
        "|---|---|---|---|---|---|---|",
    ]
    for card in models().values():
        if card.id in found:
            cost = found[card.id]
            rates, seconds = (
                ", ".join(f"{value:g} ({side})" for side, value in cost[name].items())
                for name in ("images a second", "seconds an epoch")
            )
            rows.append(
                f"| `{card.id}` | {card.parameters:,} | {card.weights_bytes / 1e6:.1f} MB | "
                f"{cost['training scans']:,} | {rates} | {seconds} | "
                f"{cost['epochs']} epochs, {cost['minutes of the whole recipe']:g} min |"
            )
    rows += ["", f"Measured with `{found['command']}` on {found['machine']['cores']} cores."]
    rows += [_pace(name, card) for name, card in measured() if card.id not in models()]
    for path in sorted(AUDITS_FOLDER.glob("*/summary.json")):
        audit = json.loads(path.read_text())
        rows.append(
            f"`python -m train audit {audit['task']}` looked at {audit['scans']:,} scans in {audit['seconds']:g} s "
            f"({audit['processor_seconds']:g} s of processor time)."
        )
    frozen = _result("frozen")
    rows.append(
        f"An epoch of the head on features computed once is {frozen['backbone over features']:g} times as fast as "
        f"running the frozen backbone every time ({frozen['network']}; {frozen['scans']}; `{frozen['command']}`)."
    )
    return "\n".join(rows)


def _pace(name: str, card: ModelCard) -> str:
    """Return what an epoch of a system that is not shipped took; its whole recipe would, by the area of the picture."""
    ran, whole = recipe_of(card.recipe), find_recipe(card.id)[0]
    seconds = card.training["seconds_per_epoch"]
    said = f"{name}: {seconds:g} s an epoch at {ran.size} px, {card.training['epochs']:g} epochs."
    if whole.frozen_epochs and ran.epochs < whole.epochs:
        epochs = whole.epochs - whole.frozen_epochs
        minutes = seconds * (whole.size / ran.size) ** 2 * epochs / 60
        said += f" The recipe's {epochs} of the whole network at {whole.size} px would take about {minutes:.0f} min."
    return said


def speed() -> str:
    """Return the table of the benchmarks, from their results."""
    prediction, training = (_result(n) for n in ("prediction", "training"))
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
    rows += [
        f"| training, images a second, cnn3-kaggle4 | {training['plain, images a second']:g} "
        f"(Keras loader and layers, float32) | {training['ours, images a second']:g} "
        f"({training['precision of ours']}) | {training['ours over plain']:g} x | `{training['command']}` |",
    ]
    return "\n".join(rows)


TABLES = {
    "accuracy": accuracy,
    "across": across,
    "cheating": cheating,
    "training": training,
    "speed": speed,
    "waiting": waiting,
    "looking": localisation,
    "board": quality,
    "explainers": explainers,
}


def _result(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text())


if __name__ == "__main__":
    main()
