"""Does the page tell what was read, all of it, and nothing that a stranger put into it?"""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from explain import METHODS
from explain.report.html import html
from model_zoo import models
from tests.explain.report.conftest import HOSTILE, P, card, report_of


class Read(HTMLParser):
    """The words of a page, and each tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words, self.tags, self._skip = "", [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._skip = tag == "style"

    def handle_data(self, data):
        if not self._skip:
            self.words += f" {' '.join(data.split())}"


@pytest.fixture(scope="module")
def page(report):
    return html(report)


def test_the_probabilities_are_those_given_and_the_answer_is_the_largest(page):
    told = [attrs["title"] for tag, attrs in Read(page).tags if attrs.get("class") == "share"]
    assert told == [f"{p:.4f}" for p in sorted(P, reverse=True)]
    assert "The model’s answer: Meningioma" in page and "70\u00a0% to Meningioma" in page


def test_the_measured_figures_of_the_model_and_of_the_class_said_are_there(page):
    words = Read(page).words
    for told in ("91.2 % (86.2 to 96.2)", "84.6 %", "77.0 %", "66.0 %", "6.3 %", "collection 44c", "55.0 %", "1,234"):
        assert told in words
    assert "11.1 %" not in words  # of a class that was not said
    assert "It knows nothing of knees." in words and words.count("Not for diagnosis.") == 2


def test_a_model_of_which_nothing_was_measured_says_so():
    assert "no telling how often it is right" in html(report_of(card=card(scores=())))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_comes_with_how_to_read_it(method):
    words = Read(html(report_of(methods=(method,)))).words
    for told in (METHODS[method].title, METHODS[method].measures, METHODS[method].pitfalls, "321 evaluations"):
        assert told in words
    assert ("seed 7" in words) == METHODS[method].random
    assert "has not been run for this model" in words  # of a model without a board


def test_a_method_that_the_board_has_scored_comes_with_its_hit_rate():
    words = Read(
        html(report_of(card=replace(models()["candor-figshare3"], classes=card().classes, names=card().names)))
    )
    assert "marked slices" in words.words and "dot in the middle of the head" in words.words


def test_what_is_needed_to_repeat_it_is_there(report, page):
    for told in (report.scan.digest, "a" * 64, "tiny-phantom4", "keras ", "streamlit ", "21 November 2026", "f" * 64):
        assert told in page


def test_doubts_remarks_and_counterfactuals_are_told(report):
    odd = replace(report.explanations[1], warnings=("The time was over.",), notes=("R2 of LIME's model: 0.81.",))
    said = "With the region erased, the model says No tumour."
    words = Read(html(replace(report, explanations=(odd,), counterfactuals=(said,)))).words
    assert "The time was over." in words and "R2 of LIME's model: 0.81." in words and said in words


def test_nothing_is_loaded_and_nothing_runs(page):
    tags = Read(page).tags
    assert {tag for tag, _ in tags} & {"script", "link", "iframe", "object", "form", "base"} == set()
    sources = [attrs[name] for _, attrs in tags for name in ("src", "href", "srcset", "action") if name in attrs]
    assert len(sources) == 6 and all(source.startswith("data:image/png;base64,") for source in sources)
    assert "url(" not in page and "@import" not in page and "http" not in re.sub(r"http-equiv", "", page)
    assert "default-src 'none'" in page
    assert all(attrs.get("alt") for tag, attrs in tags if tag == "img")


def test_a_stranger_s_words_are_words_and_nothing_else():
    names = ("Glioma", HOSTILE, "No tumour", "Pituitary tumour")
    hostile = card(title=HOSTILE, limits=(HOSTILE,), dataset=HOSTILE, names=names, licence=HOSTILE)
    page = html(report_of(card=hostile, counterfactuals=(HOSTILE,)))
    tags = Read(page).tags
    assert "script" not in {tag for tag, _ in tags} and all(a["src"].startswith("data:") for t, a in tags if t == "img")
    assert Read(page).words.count("alert('x')") >= 6 and "<script" not in page


def test_the_same_reading_gives_the_same_page(report, page):
    assert html(report) == page


def test_a_reading_without_a_map_is_a_report_too():
    page = html(report_of(methods=()))
    assert "The model’s answer: Meningioma" in page and "<img" not in page
