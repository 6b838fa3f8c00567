"""Which of the reader's scans do the models disagree about most? All uploads, and the samples, in one sorted table."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from explain import png
from explain.comparison.disagreement import by_disagreement, disagreement
from explain.comparison.shared_classes import Shared
from explain.prediction_text import percent
from explain.render.overlay import gray, squared
from model_zoo import ModelCard
from pages.components.pickers import SAMPLES, sample
from pages.components.predictions import answers
from pages.components.uploads import MAX_FILES, files, scans_of
from scans import Scan, ScanError

_THUMBNAIL = 96  # pixels
_TABLE = "compare-worklist"
BITS = (
    "How far the models' probabilities part: the Jensen-Shannon divergence, 0 where all give the same, 1 where each is "
    "sure of another class. For two models it is in bits; for more it is divided by its greatest value."
)


def draw_worklist(cards: Sequence[ModelCard], shared: Shared, opened) -> None:
    """Draw the table, the most disputed scan first. `opened()` is called when the reader has chosen a row."""
    st.subheader("Scans by disagreement", anchor=False)
    brought = list(files())
    samples = st.toggle("Use the samples", value=False, key="compare-samples", persist_state="session")
    names = brought + (list(SAMPLES) if samples else [])
    if not names:
        st.write(
            "Upload several scans at once on the left, or use the samples: synthetic heads that show how it works."
        )
        return
    scans, refused = slices_of(names)
    said = answers(cards, scans)
    for sentence in said.errors.values():
        st.error(sentence)
    found = [disagreement(shared, row) for row in said.answers]
    order = by_disagreement(found)
    st.dataframe(
        [
            {
                "Scan": thumbnail(scans[k]) if scans[k] else None,
                "Disagreement": found[k].bits,
                "Answers": "" if found[k].bits is None else "differ" if found[k].differ else "the same",
                "Name": names[k],
                **{card.id: said_in_short(card, scans[k], p) for card, p in zip(cards, said.answers[k], strict=True)},
            }
            for k in order
        ],
        column_config={
            "Scan": st.column_config.ImageColumn(width="small"),
            "Name": st.column_config.TextColumn(width=210),
            "Answers": st.column_config.TextColumn(width=90, help="Whether the models name classes that correspond."),
            "Disagreement": st.column_config.ProgressColumn(
                help=BITS, format="%.2f", min_value=0.0, max_value=1.0, width=130
            ),
        },
        hide_index=True,
        row_height=56,
        on_select=lambda: _open([names[k] for k in order], opened),
        selection_mode="single-row",
        key=_TABLE,
        alt="The scans with each model's answer, the most disputed first",
    )
    st.caption("Choose a row to open that scan. Of a volume, the middle slice is asked about, in the plane chosen.")
    for name, sentence in refused.items():
        st.text(name)  # a stranger's words: never Markdown
        st.error(sentence)


def _open(names: list[str], opened) -> None:
    rows = st.session_state[_TABLE].selection.rows
    if rows:
        st.session_state["opened"] = names[rows[0]]
        opened()


def slices_of(names: Sequence[str]) -> tuple[list[Scan | None], dict[str, str]]:
    """Return one slice of each scan named, None for a file that the plane chosen refuses, and why it does."""
    scans, refused = [], {}
    for name in names:
        try:
            scans.append(sample(name) if name in SAMPLES else _middle(files()[name].id, _plane(), name))
        except ScanError as error:
            scans.append(None)
            refused[name] = str(error)
    return scans, refused


def _plane() -> str:
    return st.session_state.get("plane") or ""


@st.cache_resource(scope="session", max_entries=MAX_FILES, show_spinner=False)
def _middle(file_id: str, plane: str, _name: str) -> Scan:
    """Return the middle slice of a file, which lets go of the others."""
    scans = scans_of(_name)
    return replace(middle, pixels=middle.pixels.copy()) if (middle := scans[len(scans) // 2]).count > 1 else middle


def said_in_short(card: ModelCard, scan: Scan | None, p) -> str:
    """Return a model's answer to one scan, (K,) or None, for a cell of a table."""
    if p is not None:
        best = int(p.argmax())
        return f"{card.names[best]}, {percent(p[best])}"
    if scan is None:
        return "not readable"
    return "blank slice" if scan.blank else "no answer"


def thumbnail(scan: Scan) -> str:
    """Return a small picture of the scan as a data URI."""
    return _thumbnail_of((scan.digest, scan.index, scan.plane), scan)


@st.cache_data(scope="session", max_entries=2 * MAX_FILES, show_spinner=False)
def _thumbnail_of(key: tuple, _scan: Scan) -> str:
    picture = gray(squared(_scan.windowed(), _scan.spacing, _THUMBNAIL))
    return "data:image/png;base64," + b64encode(png(picture)).decode()
