"""The examples in the docstrings of scans, model_zoo, dicomweb and explain, run as they stand."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("scans", "model_zoo", "dicomweb", "explain")


def module_names() -> list[str]:
    """The modules of the rooms that hold an example."""
    paths = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if ">>> " in path.read_text())
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]


EXAMPLES = {
    test.name: test
    for name in module_names()
    for test in doctest.DocTestFinder(exclude_empty=True).find(import_module(name))
    if test.examples
}
FIRST_CALLS = (
    "scans.read.read",
    "scans.phantom.phantom",
    "scans.fit.fit",
    "model_zoo.zoo.load_model",
    "explain.request",
)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gives_what_it_shows(name):
    report = []
    outcome = doctest.DocTestRunner().run(EXAMPLES[name], out=report.append)
    assert outcome.failed == 0, "".join(report)


@pytest.mark.parametrize("call", FIRST_CALLS)
def test_what_a_newcomer_calls_first_has_an_example(call):
    assert any(name.startswith(call) for name in EXAMPLES)
