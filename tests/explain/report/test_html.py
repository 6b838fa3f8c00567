"""The page holds the whole report, and no markup from a card or a scan."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from explain import METHODS
from explain.evaluation.summary import NOT_EVALUATED, method_summary, summary_text
from explain.report.html import html
from model_zoo import models, zoo_folder
from tests.explain.report.conftest import HOSTILE, P, card, report_of

ORDER = ("Prediction:", "evidence for", "Quality of such maps", "How reliable", "Limits", "How to repeat")


class Page(HTMLParser):
    """The text of a page, its headings, and each tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words, self.headings, self.tags, self._tag = "", [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._tag = tag

    def handle_data(self, data):
        if self._tag != "style":
            self.words += f" {' '.join(data.split())}"
        if self._tag == "h2" and data.strip():
            self.headings.append(data.strip())


@pytest.fixture(scope="module")
def page(report):
    return html(report)


def test_the_probabilities_are_those_given_and_the_prediction_is_the_largest(page):
    shares = [attrs["title"] for tag, attrs in Page(page).tags if attrs.get("class") == "share"]
    assert shares == [f"{p:.4f}" for p in sorted(P, reverse=True)]
    assert Page(page).headings[0].endswith(": Meningioma") and "Meningioma 70\u00a0%" in page


def test_the_scores_of_the_model_and_of_the_predicted_class_are_there(page):
    words = Page(page).words
    for value in ("91.2 % (86.2 to 96.2)", "84.6 %", "77.0 %", "66.0 %", "6.3 %", "cohort 44c", "55.0 %", "1,234"):
        assert value in words
    assert "11.1 %" not in words  # of a class that was not predicted
    for title in ("Positive predictive value for Meningioma", "Sensitivity for Meningioma"):
        assert title in words
    assert "It knows nothing of knees." in words and words.count("Not for diagnosis.") == 2


def test_a_model_without_scores_has_a_caution_in_their_place():
    tags = Page(html(report_of(card=card(scores=())))).tags
    assert {tag for tag, _ in tags} & {"table"} == set() and ("p", {"class": "caution"}) in tags


def test_prediction_and_pictures_come_first_then_quality_and_hashes_last(report, page):
    events = [(tag, attrs.get("class", "")) for tag, attrs in Page(page).tags]
    first_map, tables = events.index(("figure", "")), events.index(("dl", ""))
    assert events.index(("div", "bars")) < first_map < tables < events.index(("table", ""))
    titles = Page(page).headings
    kinds = [next(k for k, words in enumerate(ORDER) if words in title) for title in titles]
    assert kinds == sorted(kinds) and set(kinds) == {0, 1, 2, 3, 4, 5}
    assert page.index(report.scan.digest) > page.index(titles[-1]) > page.index("It knows nothing of knees.")


def test_a_model_of_many_classes_has_its_pictures_on_the_first_page_and_every_probability_in_the_report():
    names = tuple(f"Class {k}" for k in range(15))
    many = card(classes=tuple(f"c{k}" for k in range(15)), names=names)
    p = tuple(2.0 ** -(k + 1) for k in range(14)) + (2.0**-14,)
    page = Page(html(report_of(card=many, probabilities=p, methods=())))
    assert len([1 for _, attrs in page.tags if attrs.get("class") == "share"]) == 6
    assert all(f"{name} {share:.4f}" in page.words for name, share in zip(names, p, strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_comes_with_its_meaning_pitfalls_and_localisation(method):
    page = Page(html(report_of(methods=(method,))))
    words = page.words
    (title,) = (heading for heading in page.headings if heading.startswith(f"{METHODS[method].title}:"))
    (alt,) = (attrs["alt"] for tag, attrs in page.tags if tag == "img" and "strongest" in attrs["alt"])
    for text in (title, alt):
        assert ("evidence for Meningioma" in text) == ("sensitivity" not in text) != METHODS[method].sensitivity
    for text in (METHODS[method].title, METHODS[method].measures, METHODS[method].pitfalls, "321 evaluations"):
        assert text in words
    for label in ("Shows", "Pitfalls", "Colours", "Convergence", "Localisation"):
        assert f" {label} " in words
    assert ("seed 7" in words) == METHODS[method].random
    assert NOT_EVALUATED in words


def test_a_method_that_was_evaluated_comes_with_its_localisation():
    shipped = replace(models()["candor-figshare3"], classes=card().classes, names=card().names)
    words = Page(html(report_of(card=shipped))).words
    quality = method_summary(zoo_folder() / shipped.id, shipped.weights_sha256, "gradcam", "meningioma")
    text = summary_text(quality, "Meningioma").replace(":", " ", 1)  # the label stands before it
    assert " ".join(text.split()) in " ".join(words.split())
    assert NOT_EVALUATED not in words


def test_what_is_needed_to_repeat_it_is_there(report, page):
    for fact in (report.scan.digest, "a" * 64, "tiny-phantom4", "keras ", "streamlit ", "21 November 2026", "f" * 64):
        assert fact in page


def test_cautions_notes_and_counterfactuals_are_there(report):
    odd = replace(report.explanations[1], warnings=("Stopped early.",), notes=("R2 of LIME's model: 0.81.",))
    sentence = "Region removed: No tumour 80 %."
    words = Page(html(replace(report, explanations=(odd,), counterfactuals=(sentence,)))).words
    assert "Stopped early." in words and "R2 of LIME's model: 0.81." in words and sentence in words


def test_nothing_is_loaded_and_nothing_runs(page):
    tags = Page(page).tags
    assert {tag for tag, _ in tags} & {"script", "link", "iframe", "object", "form", "base"} == set()
    sources = [attrs[name] for _, attrs in tags for name in ("src", "href", "srcset", "action") if name in attrs]
    assert len(sources) == 6 and all(source.startswith("data:image/png;base64,") for source in sources)
    assert "url(" not in page and "@import" not in page and "http" not in re.sub(r"http-equiv", "", page)
    assert "default-src 'none'" in page
    assert all(attrs.get("alt") for tag, attrs in tags if tag == "img")


def test_markup_in_a_card_is_text_and_nothing_else():
    names = ("Glioma", HOSTILE, "No tumour", "Pituitary tumour")
    hostile = card(title=HOSTILE, limits=(HOSTILE,), dataset=HOSTILE, names=names, licence=HOSTILE)
    page = html(report_of(card=hostile, counterfactuals=(HOSTILE,)))
    tags = Page(page).tags
    assert "script" not in {tag for tag, _ in tags} and all(a["src"].startswith("data:") for t, a in tags if t == "img")
    assert Page(page).words.count("alert('x')") >= 6 and "<script" not in page


def test_the_same_report_gives_the_same_page(report, page):
    assert html(report) == page


def test_a_report_without_a_map_is_a_report_too():
    page = html(report_of(methods=()))
    assert Page(page).headings[0].endswith(": Meningioma") and "<img" not in page
    assert len(Page(page).headings) == len(Page(html(report_of())).headings) - 2  # the map and its quality
