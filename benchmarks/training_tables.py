"""Tables of what can be trained: the tasks and the recipes, from their cards and lab notebooks."""

from datasets.cards import DATASETS
from model_zoo.markdown import markdown_table
from train.recipe import find_recipe, recipe_ids


def tasks() -> str:
    """Return every task with its classes, licence and download."""
    return markdown_table(
        ["task", "dataset", "classes", "licence"],
        [[f"`{task}`", card.title, f"{len(card.classes)}", card.licence] for task, card in DATASETS.items()],
    )


def recipes() -> str:
    """Return every recipe with its task, network, size, epochs and the first line of its lab notebook."""
    rows = []
    for recipe_id in recipe_ids():
        recipe, notebook = find_recipe(recipe_id)
        first = notebook.strip().splitlines()[0]
        rows.append([f"`{recipe_id}`", f"`{recipe.task}`", recipe.network, f"{recipe.size} px", recipe.epochs, first])
    return markdown_table(["recipe", "task", "network", "input", "epochs", "notebook"], rows)
