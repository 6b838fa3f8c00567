"""The PDF is complete, searchable and laid out so that it can be read."""

import io
import re

import pytest
from pypdf import PdfReader

from explain.report.document import TITLE, document
from explain.report.pdf import pdf
from tests.explain.report.conftest import HOSTILE, card, report_of


def read(data: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(data))


def words(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text().split()) for page in reader.pages)


@pytest.fixture(scope="module")
def made(report):
    return pdf(report)


def test_the_text_of_the_report_can_be_searched(report, made):
    text = re.sub(r"\s", "", words(read(made)))  # without line breaks
    for section in document(report).sections:
        assert re.sub(r"\s", "", section.title) in text
    for value in ("Meningioma70%", "91.2%(86.2to96.2)", "Itknowsnothingofknees.", "321evaluations", "a" * 64):
        assert value in text


def test_its_title_and_language_are_set_and_its_date_is_the_report_s(made):
    reader = read(made)
    assert reader.metadata.title == f"Candor: {TITLE}, tiny-phantom4"
    assert reader.trailer["/Root"]["/Lang"] == "en-GB"
    assert reader.metadata.creation_date.strftime("%Y-%m-%d %H:%M") == "2026-11-21 17:10"


def test_every_page_is_a4_and_says_that_it_is_not_for_diagnosis(made):
    reader = read(made)
    for number, page in enumerate(reader.pages, 1):
        assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
        assert "Not for diagnosis." in page.extract_text() and f"{number} / {len(reader.pages)}" in page.extract_text()


def test_the_same_report_gives_the_same_bytes(report, made):
    assert pdf(report) == made


def test_the_pictures_are_as_sharp_as_they_were_drawn_and_described(made):
    sizes = {(int(image["/Width"]), int(image["/Height"])) for image in _images(made)}
    assert (640, 640) in sizes and all("DCT" not in str(image["/Filter"]) for image in _images(made))
    tree = read(made).trailer["/Root"]["/StructTreeRoot"]
    assert tree is not None


def _images(data: bytes) -> list:
    objects = []
    for page in read(data).pages:
        objects += [each.get_object() for each in page["/Resources"].get("/XObject", {}).values()]
    return [each for each in objects if each["/Subtype"] == "/Image"]


@pytest.mark.parametrize("limits", [11, 14, 15, 16])
def test_no_heading_stands_alone_at_the_foot_of_a_page(limits):
    report = report_of(methods=(), card=card(limits=("A limit of this model.",) * limits), counterfactuals=("So.",))
    headings = {section.title for section in document(report).sections}
    for page in read(pdf(report)).pages:
        lines = [line.strip() for line in page.extract_text().splitlines() if line.strip()]
        foot = [k for k, line in enumerate(lines) if line.startswith("Not for diagnosis.")][-1]
        body = lines[:foot] + lines[foot + 2 :]
        assert body[-1] not in headings


def test_markup_and_unusual_letters_do_not_stop_it():
    strange = f"{HOSTILE} 脳腫瘍 {'longword' * 60} −≤…“”"
    names = (strange[:200], "Meningioma", "No tumour", "Pituitary tumour")
    data = pdf(report_of(card=card(title=strange, limits=(strange,), names=names), counterfactuals=(strange,)))
    assert "alert('x')" in words(read(data))


def test_of_fifteen_classes_the_most_probable_and_the_pictures_fit_on_the_first_page_and_hashes_are_on_the_last():
    names = tuple(f"Tumour number {k}" for k in range(15))
    classes = ("meningioma", *(f"class{k}" for k in range(14)))
    many = card(classes=classes, names=names)
    reader = read(pdf(report_of(card=many, probabilities=(0.3, *(0.05,) * 14))))
    first, last = reader.pages[0], reader.pages[-1].extract_text()
    assert [name for name in names[:6] if name not in first.extract_text()] == []
    assert len([each for each in first["/Resources"]["/XObject"].values()]) >= 2
    assert "sha256" in last and "sha256" not in first.extract_text()
