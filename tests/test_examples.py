"""The examples in the docstrings of the public functions, run as they stand."""

import doctest
import inspect

import pytest

import explain
import model_zoo
import scans


def examples_of(room) -> dict[str, doctest.DocTest]:
    """Return the examples of what a room exports, by the name of the function, class or property."""
    finder, exported = doctest.DocTestFinder(exclude_empty=True), {}
    for name in room.__all__:
        thing = getattr(room, name)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            names = vars(inspect.getmodule(thing))
            for test in finder.find(thing, f"{room.__name__}.{name}", globs=dict(names)):
                if test.examples:
                    exported[test.name] = test
    return exported


EXAMPLES = examples_of(scans) | examples_of(model_zoo) | examples_of(explain)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gives_what_it_shows(name):
    report = []
    outcome = doctest.DocTestRunner().run(EXAMPLES[name], out=report.append)
    assert outcome.failed == 0, "".join(report)


def test_what_a_newcomer_calls_first_has_an_example():
    first = {"scans.read", "scans.phantom", "scans.fit", "scans.find_head", "scans.resize", "scans.in_series"}
    assert first <= EXAMPLES.keys()
