"""Does the tree keep its own rules: who may import whom, what a file opens with, what the README names?"""

import ast
import re
from pathlib import Path

import pytest

from benchmarks import report
from datasets.cards import DATASETS
from explain import METHODS
from model_zoo import models
from train.recipe import recipe_ids

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()

# room -> what it may import of ours, beside itself
MAY_IMPORT = {
    "scans": set(),
    "model_zoo": {"scans"},
    "datasets": {"scans", "model_zoo"},
    "explain": {"scans", "model_zoo", "datasets"},
    "train": {"scans", "model_zoo", "datasets"},
    "pages": {"scans", "model_zoo", "datasets", "explain", "train"},
}
ROOMS = [*MAY_IMPORT, "benchmarks", "tests"]
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The first parts of all that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_the_design_allows(room):
    for path in (ROOT / room).rglob("*.py"):
        ours = imported(path) & set(ROOMS)
        assert ours <= MAY_IMPORT[room] | {room}, path


def test_every_file_opens_with_the_question_it_answers():
    nameless = [p for p in SOURCES if p.read_text().strip() and not ast.get_docstring(ast.parse(p.read_text()))]
    assert nameless == []


def test_no_file_is_a_drawer_for_everything():
    assert [p for p in SOURCES if re.search(r"(^|_)(utils?|helpers?|misc|common|core)($|_)", p.stem)] == []


def test_files_of_the_product_stay_short():
    long = {str(p.relative_to(ROOT)): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 250}
    assert {name for name in long if not name.startswith("tests/")} == set()


def test_the_trainer_names_no_backend_but_to_ask_for_determinism():
    named = [p.name for p in (ROOT / "train").rglob("*.py") if "tensorflow" in imported(p)]
    assert named == ["fit.py"]


def test_the_readme_names_every_model_recipe_method_task_and_command():
    wanted = [*models(), *recipe_ids(), *METHODS, *DATASETS]
    assert [name for name in wanted if f"`{name}`" not in README] == []
    commands = ("make run", "make test", "python -m train", "python -m model_zoo predict", "python -m explain")
    assert [command for command in commands if command not in README] == []


def test_every_file_that_the_readme_links_to_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links and [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_s_tables_are_what_the_measured_files_say():
    assert all(table() in README for table in report.TABLES.values())


def test_nothing_dangerous_is_used_on_a_page():
    banned = ("unsafe_allow_html", "unsafe_allow_javascript", "components.html", "safe_mode=False", "allow_pickle=True")
    product = [p for p in SOURCES if "tests" not in p.parts] + [ROOT / "app.py"]
    assert [(p.name, word) for p in product for word in banned if word in p.read_text()] == []
