"""What a session remembers: one typed object, so that no value lives in a widget alone.

Streamlit forgets a widget's value with its page, and a value that code wrote into a widget is lost where the browser
never sent it back. So every widget whose value matters elsewhere is drawn with the value from here and hands its value
back to here. Where code changes such a value, `renew` gives the widget a new key: the browser then draws a new widget
with the new value.
"""

from dataclasses import dataclass, field
from secrets import token_hex

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dicomweb import Series
from explain import METHODS, Rendering
from explain.queue import QUEUE, Job, Queue
from explain.request import DEFAULTS
from model_zoo.site_calibration import SiteCalibration
from scans import PLANES, Box, Scan

AT_ONCE = 0.25  # seconds: what comes sooner replaces the picture before it without a progress bar in between
COMPARED = ("gradcam", "occlusion")  # methods on the Compare page, to begin with


@dataclass(eq=False)
class Upload:
    """An uploaded file: `name` can be shown (as text, never as Markdown), `field_id` is Streamlit's of what was sent.

    A file out of an archive shares the `field_id` of the archive. `digest` is the sha256 of `data`, computed once.
    Once it is `read`, `scan` is set where it holds one slice, as most do, and `refusal` where it holds none; of a
    volume `slices` holds those that were read, until the page takes them. `picture` is its middle slice as a small PNG.
    """

    id: str
    field_id: str
    name: str
    data: bytes
    digest: str
    scan: Scan | None = None
    slices: list[Scan] | None = None
    refusal: str = ""
    picture: bytes = b""
    read: bool = False


@dataclass(frozen=True, eq=False)
class Entry:
    """One line of the list of scans: a file, or the files of one series in the order of their slices.

    `scans` has one slice of each file, () for a volume.
    """

    name: str
    uploads: tuple[Upload, ...]
    scans: tuple[Scan, ...] = ()

    @property
    def id(self) -> str:
        """What tells it from every other."""
        return " ".join(upload.id for upload in self.uploads)


@dataclass
class Section:
    """The requests of one part of a page: jobs in the queue by key, those wanted, failed and cancelled."""

    jobs: dict[str, Job] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Region:
    """The region of a counterfactual as the user types it, in pixels; None where a number is missing."""

    row: int | None = None
    column: int | None = None
    height: int | None = None
    width: int | None = None
    down: int = 0
    right: int = 0

    @property
    def box(self) -> Box | None:
        """The box, None until each of its numbers is given."""
        if None in (self.row, self.column, self.height, self.width):
            return None
        return Box(self.row, self.column, self.row + self.height, self.column + self.width)


@dataclass
class PageState:
    """All that one session remembers from page to page. `queue` and `at_once` are given by tests."""

    queue: Queue = QUEUE
    at_once: float = AT_ONCE
    user: str = field(default_factory=lambda: token_hex(16))  # a secret, so that nobody can take another's jobs
    page: str = ""
    renewals: dict[str, int] = field(default_factory=dict)  # widget -> how often code changed its value

    # uploads
    uploads: dict[str, Upload] = field(default_factory=dict)  # by name
    single_files: dict[str, str] = field(default_factory=dict)  # field of one file -> id of the upload that it holds
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)  # upload id -> name and sentence
    left_over: str = ""  # why not all files were taken
    in_field: set[str] = field(default_factory=set)  # upload ids that the field of this page holds
    entries: dict[str, Entry] | None = None  # by name, the latest first; None: to be listed anew
    listed: int = 0  # files that had been read when the entries were listed
    batches: dict[str, tuple[Upload, ...]] = field(default_factory=dict)  # job -> the files that it reads
    arrived: frozenset[str] = frozenset()  # ids of files that came and of which the last has not been opened yet
    open_uploads: frozenset[str] = frozenset()  # ids of those behind the open scan

    # the PACS
    pacs_series: tuple[Series, ...] = ()  # found by the last search, until one is fetched
    pacs_error: str = ""
    pacs_fetch: tuple[str, Series] | None = None  # the key of the job that fetches a series, and the series

    # the address
    address_followed: bool = False  # what it said when the session began has been opened
    back_followed: str = ""  # the last step back or forward that was followed
    linked_class: str | None = None  # what it said, until a page takes it; "" for the predicted class
    linked_slice: str = ""

    # the scan
    scan: str | None = None  # name of the open entry or sample
    plane: str = PLANES[0]
    stacks: dict[str, str] = field(default_factory=dict)  # digest of a file -> its stack on the page
    slices: dict[str, tuple[str, int]] = field(default_factory=dict)  # volume -> digest and index of the slice
    scan_states: dict[str, str] = field(default_factory=dict)  # digest of a file -> what was done with it
    rail: DeltaGenerator | None = None  # the place of the worklist rail in this run of a page
    rail_followed: dict[str, float] = field(default_factory=dict)  # what the browser told last by it, and was done
    slice_moved: bool = False  # and the page has not been drawn for that slice yet
    slice_chosen: bool = False  # by a control of the page, which has not been drawn for it yet
    windows: dict[str, tuple[float, float]] = field(default_factory=dict)  # series -> level and width, stored values

    # the request
    method: str = next(iter(METHODS))
    targets: dict[str, str] = field(default_factory=dict)  # model id -> class id, "" for the predicted class
    engines: dict[str, str] = field(default_factory=dict)  # method id -> engine
    settings: dict[str, int | float] = field(default_factory=lambda: dict(DEFAULTS))  # of a Request, by field
    anyway: bool = False  # predict from pictures that the gate would withhold, too

    # the rendering
    rendering: Rendering = field(default_factory=Rendering)
    map_shown: bool = True
    colour_maps: dict[bool, str] = field(default_factory=dict)  # of signed maps and of others
    smoothings: dict[str, float] = field(default_factory=dict)  # kind of map and unit -> standard deviation

    # Explain
    regions: dict[str, Region] = field(default_factory=dict)  # scan -> region of the counterfactual
    counterfactuals: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)  # scan, model -> sentences
    all_maps_in_report: bool = False
    report_maps: tuple[str, ...] = ()  # keys of the requests whose maps go into the report
    downloads: dict[str, dict] = field(default_factory=dict)  # button -> file that was asked for, until it is given
    worklist_pick: list[str] = field(default_factory=list)  # scan of the selected row of the table, and all rows

    # Compare
    compare_methods: tuple[str, ...] = COMPARED
    compare_table: bool = False  # all scans by disagreement instead of one
    compare_samples: bool = False
    compare_target: str = ""
    compare_across_methods: bool = False
    compare_share: int = 0  # per cent of the head; 0: the usual

    # Site calibration, by model id
    site: str = ""  # as the user typed it
    calibrations: dict[str, SiteCalibration] = field(default_factory=dict)  # in use in this session
    calibrations_shown: dict[str, SiteCalibration] = field(default_factory=dict)  # the last made or uploaded
    calibration_requested: str = ""  # key of the work

    # results of work in the queue
    sections: dict[str, Section] = field(default_factory=dict)
    series_requested: set[str] = field(default_factory=set)  # keys of the series to be classified
    results: dict[str, object] = field(default_factory=dict)  # key -> result, of work that is no explanation
    audited: set[str] = field(default_factory=set)  # keys of what this session has in the audit log already
    dataset_jobs: dict[str, Job] = field(default_factory=dict)  # key -> download or mean images that all users share
    probabilities: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)  # model, scan -> (K,)

    def open(self, name: str | None) -> None:
        """Open an entry or a sample by its name, close the open one for None; files that are still read open no more.

        To be called before the page is drawn, as a widget's callback is.
        """
        self.scan, self.arrived, self.open_uploads = name, frozenset(), frozenset()


STATES: dict[str, PageState] = {}  # by the id of the session, until `closed_sessions` finds it over


def state() -> PageState:
    """Return the state of this session."""
    if "state" not in st.session_state:
        st.session_state["state"] = PageState()
        if context := get_script_run_ctx():
            STATES[context.session_id] = st.session_state["state"]
    return st.session_state["state"]


def subject() -> tuple[str | None, str, str, tuple[str, ...]]:
    """Return what the whole page is about: the scan, its plane, the method, the uploads in the list.

    A part that runs alone compares it with what the page was drawn for. A busy browser sends what happens at nearly the
    same time in one message, which names that part alone: then callbacks of the page have run, and the page has not.
    """
    session = state()
    return session.scan, session.plane, session.method, tuple(session.uploads)


def widget_key(name: str) -> str:
    """Return the key of a widget whose value code may change."""
    renewals = state().renewals.get(name, 0)
    return f"{name}~{renewals}" if renewals else name


def renew(name: str) -> None:
    """Let a widget be drawn anew with the value that the state holds now; to be called before it is drawn."""
    renewals = state().renewals
    renewals[name] = renewals.get(name, 0) + 1
