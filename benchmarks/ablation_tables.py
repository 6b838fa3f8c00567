"""Tables of ablations: what one change to a model, or to how it predicts, does to its scores."""

from benchmarks.model_tables import BALANCED, EXTERNAL, measured_folder
from benchmarks.record import read_results
from model_zoo.comparison import Difference, compare
from model_zoo.markdown import markdown_table
from model_zoo.scores import ALL_SCANS, NO_NEAR_DUPLICATE

# what was changed, the model without the change, the model with it
CHANGES = (
    ("ImageNet's weights to start from, instead of random ones", "candor-scratch-kaggle4", "candor-kaggle4"),
    ("ImageNet's weights, trained on the whole pool", "candor-scratch-pooled4", "candor-pooled4"),
    ("ResNet50 instead, taught by candor-kaggle4", "candor-kaggle4", "resnet50-distilled-kaggle4"),
    ("ResNet152V2 instead, taught by candor-kaggle4", "candor-kaggle4", "resnet152v2-distilled-kaggle4"),
    ("figshare and Br35H added; last leg of 4 epochs, not 16", "candor-scratch-kaggle4", "candor-without-44c-pooled4"),
    ("44c added; last leg of 18 epochs, not 4", "candor-without-44c-pooled4", "candor-scratch-pooled4"),
)
_SETS = (
    ("Kaggle's official test", "cohort kaggle", ALL_SCANS, "accuracy"),
    ("44c", f"cohort {EXTERNAL}", NO_NEAR_DUPLICATE, BALANCED),
)


def ablations() -> str:
    """Return what each of CHANGES did to the score on the official test and on 44c, paired on the same scans."""
    rows = []
    for change, first, second in CHANGES:
        found = {
            (each.split, each.subset, each.measure): each
            for each in compare(measured_folder(first), measured_folder(second))
        }
        cells = [_change(found[split, subset, measure]) for _, split, subset, measure in _SETS]
        rows.append([change, f"`{first}`", f"`{second}`", *cells])
    heads = ["what was changed", "from", "to", *(f"{title}, {measure}" for title, *_, measure in _SETS)]
    return markdown_table(heads, rows)


def _change(found: Difference) -> str:
    return f"{found.first:.3f} to {found.second:.3f}: {found.difference.decimal(3)}"


def test_time_augmentation() -> str:
    """Return the validation scores of Candor's own models when several views, or two models, are averaged."""
    found = read_results("test_time_augmentation")
    ways = list(
        dict.fromkeys(way for sets in found["balanced accuracy"].values() for row in sets.values() for way in row)
    )
    ways.remove("scans")
    rows = [
        [f"`{name}`", collection, f"{row['scans']:,}", *(f"{row[way]:.3f}" if way in row else "" for way in ways)]
        for name, sets in found["balanced accuracy"].items()
        for collection, row in sets.items()
    ]
    others = ", ".join(f"`{name}` with `{other}`" for name, other in found["averaged with"].items())
    return f"`{found['command']}`; two models: {others}.\n\n" + markdown_table(
        ["model", "collection", "scans", *ways], rows
    )
