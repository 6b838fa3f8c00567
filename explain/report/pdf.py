"""A report as a PDF: A4, searchable, pictures with text alternatives, the same bytes for the same report.

fpdf2 does the layout; the font is DejaVu Sans, which Matplotlib brings. No heading stands alone at the foot of a page,
and no picture is separated from its heading, colour bar or caption.
"""

import logging
from datetime import UTC
from pathlib import Path

import numpy as np
from fpdf import FPDF, ViewerPreferences
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace
from PIL import Image

from explain.report.blocks import Bars, Facts, Pair, Picture, Points, Section, Strip, Table, Text
from explain.report.document import document
from explain.report.report_input import ReportInput

INK, FAINT, ACCENT, CAUTION = "#16191c", "#50575e", "#2c6e84", "#6e4700"

_MARGIN, _FOOT = 18, 20  # mm
_LABEL, _GAP = 30, 6  # mm: the column of labels, the space between two pictures
_SIZES = {"title": 18, "heading": 12.5, "lead": 10.5, "plain": 9.5, "caution": 9.5, "small": 8.5}  # points
_LEADING = 0.5  # mm per point of font size: 1.42 times the height of a letter
_BAR = 5.2  # mm per class


class _Paper(FPDF):
    """Pages that end with the same line and their number; fpdf2 takes a footer only as an overridden method."""

    foot_line = ""

    def footer(self) -> None:
        self.set_y(-13)
        _letters(self, "small", FAINT)
        self.cell(self.epw - 20, 4, self.foot_line)
        self.cell(20, 4, f"{self.page_no()} / {{nb}}", align="R")


def pdf(report: ReportInput) -> bytes:
    """Return the report as a PDF of A4 pages."""
    content = document(report, ink=FAINT)
    paper = _Paper(format="A4")
    paper.foot_line = content.foot
    paper.set_margins(_MARGIN, _MARGIN, _MARGIN)
    paper.c_margin = 0  # text starts where pictures do
    paper.set_auto_page_break(True, _FOOT)
    paper.set_image_filter("FlateDecode")  # no JPEG: it blurs the edges of a map
    paper.set_title(f"Candor: {content.title}, {report.card.id}")
    paper.set_subject(content.foot)
    paper.set_creator("Candor")
    paper.set_lang("en-GB")
    paper.viewer_preferences = ViewerPreferences(display_doc_title=True)
    date = report.date
    paper.set_creation_date(date if date.tzinfo else date.replace(tzinfo=UTC))  # not this machine's zone
    _fonts(paper)
    paper.add_page()
    _write(paper, content.title, "title", bold=True)
    _write(paper, content.subtitle, "small", FAINT)
    paper.ln(1)
    _write(paper, content.foot, "plain", bold=True)
    for section in content.sections:
        _section(paper, section)
    return bytes(paper.output())


def _fonts(paper: FPDF) -> None:
    from matplotlib import get_data_path

    for name in ("fontTools", "fpdf"):  # they log every table dropped from a font, and every missing glyph
        logging.getLogger(name).setLevel(logging.ERROR)
    folder = Path(get_data_path()) / "fonts" / "ttf"
    paper.add_font("DejaVu", "", folder / "DejaVuSans.ttf")
    paper.add_font("DejaVu", "B", folder / "DejaVuSans-Bold.ttf")


def _letters(paper: FPDF, tone: str, ink: str = INK, bold: bool = False) -> float:
    """Set font and colour; return the height of a line in mm."""
    paper.set_font("DejaVu", "B" if bold else "", _SIZES[tone])
    paper.set_text_color(ink)
    return _LEADING * _SIZES[tone]


def _write(paper: FPDF, words: str, tone: str, ink: str = INK, bold: bool = False) -> None:
    line = _letters(paper, tone, ink, bold)
    paper.multi_cell(0, line, words, align="L", new_x="LMARGIN", new_y="NEXT")


def _height(paper: FPDF, words: str, width: float, line: float) -> float:
    return paper.multi_cell(width, line, words, align="L", dry_run=True, output="HEIGHT")


def _room(paper: FPDF, height: float) -> None:
    """Begin a new page where `height` mm do not fit on this one."""
    if paper.will_page_break(height):
        paper.add_page()


def _section(paper: FPDF, section: Section) -> None:
    first = 0.0
    for block in section.blocks:  # warnings before a picture stay with it
        first += _needed(paper, block)
        if not (isinstance(block, Text) and block.tone == "caution"):
            break
    paper.ln(5)
    _room(paper, first + 12)
    paper.start_section(section.title)
    paper.set_draw_color("#cfcfcf")
    paper.line(_MARGIN, paper.y, _MARGIN + paper.epw, paper.y)
    paper.ln(3)
    _write(paper, section.title, "heading", bold=True)
    paper.ln(1)
    for block in section.blocks:
        _DRAWN[type(block)](paper, block)


def _needed(paper: FPDF, block: object) -> float:
    """Return the height in mm that must be free below a heading that this block follows."""
    if isinstance(block, Text):
        line = _letters(paper, block.tone)
        return _height(paper, block.words, paper.epw - 6, line) + 4
    if isinstance(block, Pair):
        return _pair_height(paper, block)
    if isinstance(block, Strip):
        return _strip_height(paper, block)
    return 30.0


def _text(paper: FPDF, block: Text) -> None:
    cautions = block.tone == "caution"
    line = _letters(paper, block.tone)
    indent = 3.0 if cautions else 0.0
    _room(paper, min(_height(paper, block.words, paper.epw - indent, line), 60))
    top = paper.y
    paper.set_x(_MARGIN + indent)
    _write(paper, block.words, block.tone, {"caution": CAUTION, "small": FAINT}.get(block.tone, INK))
    if cautions:
        paper.set_fill_color(CAUTION)
        paper.rect(_MARGIN, top, 0.8, paper.y - top, style="F")
    paper.ln(1.5)


def _bars(paper: FPDF, block: Bars) -> None:
    line = _letters(paper, "plain", bold=True)
    names = min(max(paper.get_string_width(name) for name, *_ in block.rows) + 4, 60)
    track = paper.epw - names - 70
    _room(paper, _BAR * min(len(block.rows), 30) + 4)
    paper.ln(1)
    for name, share, words, predicted in block.rows:
        _room(paper, _BAR)
        _letters(paper, "plain", bold=predicted)
        top = paper.y
        paper.cell(names, line, name)
        for width, colour in ((track, "#eeeeee"), (max(track * share, 0.4), ACCENT if predicted else "#aab5bb")):
            paper.set_fill_color(colour)
            paper.rect(_MARGIN + names, top + 1, width, line - 1.8, style="F")
        paper.set_xy(_MARGIN + names + track + 3, top)
        paper.cell(30, line, words)
        paper.set_xy(_MARGIN, top + _BAR)
    paper.ln(1.5)


def _table(paper: FPDF, block: Table) -> None:
    line = _letters(paper, "small")
    paper.set_fill_color("#ffffff")  # else cells take the last fill colour
    shares = (3.1, 2.2, 2.0, 0.8)[: len(block.heads)]
    paper.set_draw_color("#cfcfcf")
    with paper.table(
        (block.heads, *block.rows),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        col_widths=shares,
        headings_style=FontFace(emphasis="B", color=FAINT),
        line_height=line,
        padding=(0.7, 2, 0.7, 0),
        text_align="LEFT",
        v_align="TOP",
    ):
        pass
    paper.ln(2)


def _facts(paper: FPDF, block: Facts) -> None:
    for label, words in block.rows:
        line = _letters(paper, "small")
        _room(paper, min(_height(paper, words, paper.epw - _LABEL, line), 60))
        top = paper.y
        _letters(paper, "small", FAINT)
        paper.multi_cell(_LABEL - 3, line, label, align="L", new_x="RIGHT", new_y="TOP")
        paper.set_xy(_MARGIN + _LABEL, top)
        _letters(paper, "small")
        paper.multi_cell(paper.epw - _LABEL, line, words, align="L", new_x="LMARGIN", new_y="NEXT")
        paper.ln(1.2)


def _points(paper: FPDF, block: Points) -> None:
    for sentence in block.sentences:
        line = _letters(paper, "plain")
        _room(paper, min(_height(paper, sentence, paper.epw - 5, line), 60))
        paper.cell(5, line, "•")
        paper.multi_cell(paper.epw - 5, line, sentence, align="L", new_x="LMARGIN", new_y="NEXT")
        paper.ln(0.8)


def _side(paper: FPDF) -> float:
    return (paper.epw - _GAP) / 2


def _pair_height(paper: FPDF, block: Pair) -> float:
    return _side(paper) + (16 if block.colour_bar else 2) + 12


def _pair(paper: FPDF, block: Pair) -> None:
    _room(paper, _pair_height(paper, block))
    side, top = _side(paper), paper.y + 1
    right = _MARGIN + side + _GAP
    _image(paper, block.left, _MARGIN, top, side)
    _image(paper, block.right, right, top, side)
    below = top + side + 2
    if block.colour_bar:
        below += _image(paper, block.colour_bar, right, below, side) + 1
    ends = []
    for left, y, picture in ((_MARGIN, top + side + 2, block.left), (right, below, block.right)):
        line = _letters(paper, "small", FAINT)
        paper.set_xy(left, y)
        paper.multi_cell(side, line, picture.caption, align="L", new_x="LMARGIN", new_y="NEXT")
        ends.append(paper.y)
    paper.set_xy(_MARGIN, max(ends) + 2)


def _strip_height(paper: FPDF, block: Strip) -> float:
    height, width = block.picture.pixels.shape[:2]
    return paper.epw * height / width + 4


def _strip(paper: FPDF, block: Strip) -> None:
    _room(paper, _strip_height(paper, block))
    top = paper.y + 1
    paper.set_xy(_MARGIN, top + _image(paper, block.picture, _MARGIN, top, paper.epw) + 2)


def _image(paper: FPDF, picture: Picture, left: float, top: float, width: float) -> float:
    """Put a picture on the page; return its height in mm."""
    pixels = np.ascontiguousarray(picture.pixels)
    return paper.image(Image.fromarray(pixels), left, top, width, alt_text=picture.alt).rendered_height


_DRAWN = {Text: _text, Bars: _bars, Table: _table, Facts: _facts, Points: _points, Pair: _pair, Strip: _strip}
