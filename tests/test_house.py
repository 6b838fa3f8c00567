"""The rules of the tree: who may import whom, what a file opens with, what the README and the docs name."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.cost_tables import same_recipe
from benchmarks.record import read_results
from datasets.cards import DATASETS
from explain import METHODS
from explain.evaluation.measures import MEASURES
from model_zoo import models
from train.recipe import recipe_ids, recipe_of

ROOT = Path(__file__).parents[1]
DOCUMENTS = {str(path.relative_to(ROOT)): path.read_text() for path in report.documents()}
README = DOCUMENTS["README.md"]
PAGES_OF_TEXT = {**DOCUMENTS, "CONTRIBUTING.md": (ROOT / "CONTRIBUTING.md").read_text()}

# room -> what it may import of ours, beside itself
MAY_IMPORT = {
    "scans": set(),
    "model_zoo": {"scans"},
    "dicomweb": {"scans", "model_zoo"},
    "datasets": {"scans", "model_zoo"},
    "explain": {"scans", "model_zoo", "datasets"},
    "train": {"scans", "model_zoo", "datasets"},
    "api": {"scans", "model_zoo", "datasets", "explain"},
    "pages": {"scans", "model_zoo", "dicomweb", "datasets", "explain", "train"},
}
ROOMS = [*MAY_IMPORT, "benchmarks", "tests"]
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
PRODUCT = [path for path in SOURCES if "tests" not in path.relative_to(ROOT).parts] + [ROOT / "app.py"]
GONE = r"\b(twins?|cheat\w*|atlas|forgetful|tak(e|en) home|reading list|honest cohort|share called so)\b"
LONGEST = 320  # lines: one idea stays in one file, even where it takes a queue of 300 lines; a longer file holds two


def module_name(path: Path) -> str:
    """The dotted name of a file's module, of a package for its __init__.py."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path) for path in [*SOURCES, ROOT / "app.py"]}


def imported(path: Path) -> set[str]:
    """The dotted names of the modules that a file imports, at its top or later."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            within = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            names |= {full if full in MODULES else node.module for full in within.values()}
    return names


def rooms_of(path: Path) -> set[str]:
    """The first parts of all that a file imports."""
    return {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_the_design_allows(room):
    for path in (ROOT / room).rglob("*.py"):
        assert rooms_of(path) & set(ROOMS) <= MAY_IMPORT[room] | {room}, path


def test_no_modules_import_each_other_in_a_circle():
    try:
        TopologicalSorter({module_name(path): imported(path) & MODULES for path in SOURCES}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_every_file_opens_with_what_it_holds():
    nameless = [p for p in SOURCES if p.read_text().strip() and not ast.get_docstring(ast.parse(p.read_text()))]
    assert nameless == []


def test_words_that_the_glossary_replaced_are_gone():
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in PRODUCT} | PAGES_OF_TEXT
    del texts["docs/glossary.md"]
    assert {name: match[0] for name, text in texts.items() if (match := re.search(GONE, text, re.IGNORECASE))} == {}


def test_no_file_is_a_drawer_for_everything():
    assert [p for p in SOURCES if re.search(r"(^|_)(utils?|helpers?|misc|common|core)($|_)", p.stem)] == []


def test_files_of_the_product_stay_short():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in PRODUCT}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_the_trainer_names_no_backend_but_to_ask_for_determinism():
    named = [p.name for p in (ROOT / "train").rglob("*.py") if "tensorflow" in rooms_of(p)]
    assert named == ["fit.py"]


def test_the_readme_has_one_page():
    prose = [line for line in README.splitlines() if not line.startswith("|")]  # the table grows with the zoo
    assert len(" ".join(prose).split()) <= 570


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ("README.md", models()),
        ("docs/methods.md", METHODS),
        ("docs/training.md", [*recipe_ids(), *DATASETS]),
        ("docs/results.md", models()),
    ],
)
def test_a_document_names_all_that_it_is_about(document, names):
    assert [name for name in names if f"`{name}`" not in DOCUMENTS[document]] == []


def test_the_docs_describe_every_measure_and_the_readme_every_command():
    assert [each.title for each in MEASURES.values() if each.title not in DOCUMENTS["docs/methods.md"]] == []
    commands = ("make run", "make test", "python -m train", "python -m model_zoo predict", "python -m explain")
    assert [command for command in commands if command not in README] == []


@pytest.mark.parametrize("document", PAGES_OF_TEXT)
def test_every_file_and_heading_that_a_document_links_to_exists(document):
    folder = (ROOT / document).parent
    for target, _, heading in re.findall(r"\]\((?!https?:)([^)#]*)(#([^)]+))?\)", PAGES_OF_TEXT[document]):
        path = folder / target if target else ROOT / document
        assert path.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in headings}


def test_every_file_that_the_architecture_names_exists():
    named = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", DOCUMENTS["docs/architecture.md"]))
    assert named and [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_generated_table_stands_in_one_document():
    names = [name for text in DOCUMENTS.values() for name in report.table_names(text)]
    assert sorted(names) == sorted(report.TABLES)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_s_tables_are_what_the_measured_files_say(document):
    assert report.filled(DOCUMENTS[document]) == DOCUMENTS[document]


def test_a_stored_cost_of_training_counts_for_the_recipe_that_it_was_measured_with_and_no_other():
    card = next(iter(models().values()))
    recipe = recipe_of(card.recipe)
    cost = {"epochs": recipe.epochs, "images per second": {f"{recipe.size} px": 1.0}}
    assert same_recipe(cost, card)
    assert not same_recipe(cost | {"epochs": recipe.epochs + 1}, card)
    assert not same_recipe(cost | {"images per second": {f"{recipe.size + 1} px": 1.0}}, card)


def test_what_was_measured_of_our_own_models_is_of_the_weights_that_are_shipped():
    shipped = {name: card.weights_sha256 for name, card in models().items() if name.startswith("candor-")}
    placed = {name: found["weights"] for name, found in read_results("localisation")["models"].items()}
    assert placed == read_results("test_time_augmentation")["weights"] == shipped


def test_nothing_dangerous_is_used_on_a_page():
    banned = ("unsafe_allow_html", "unsafe_allow_javascript", "components.html", "safe_mode=False", "allow_pickle=True")
    assert [(p.name, word) for p in PRODUCT for word in banned if word in p.read_text()] == []
