"""Where is my explanation, how far is it, and how do I stop it? The page's side of the queue.

What was asked before is there at once, and what takes no longer than a blink is waited for. For all else the page
is drawn without the map, and a fragment looks at the job twice a second until the whole page can be drawn again.
"""

import logging
from dataclasses import dataclass, field
from secrets import token_hex

import streamlit as st

from explain import METHODS, Budget, Explanation, explain
from explain.cache import CACHE, question_key
from explain.jobs import QUEUE
from explain.reading import under_way
from model_zoo import Model, ModelError
from pages.parts.viewer import show
from scans import Scan, ScanError

AT_ONCE = 0.7  # seconds: a map that comes sooner replaces the one before it without anything in between
FAILED = "This explanation failed inside Candor itself, and nothing was kept. Try another method, or reload the page."

_POLL = 0.5  # seconds
_LIVE = ("waiting", "running")


@dataclass(frozen=True)
class Choice:
    """What a reader asks of a model about a scan. `target` is a class id, "" for the class the model gives."""

    target: str
    method: str
    engine: str
    seed: int
    seconds: float


@dataclass
class _Asked:
    """The one question that this session waits for, or last had answered."""

    key: str
    job: object = None
    user: str = field(default_factory=lambda: st.session_state.setdefault("user", token_hex(16)))
    cancelled: bool = False

    def leave(self) -> None:
        QUEUE.cancel(self.key, self.user)

    def cancel(self) -> None:
        self.cancelled = True
        self.leave()


def ask(model: Model, scan: Scan, choice: Choice, target: str) -> Explanation | None:
    """Return the explanation of class `target`, or None where it is still to come or was cancelled.

    Raises Busy, ModelError and ScanError; whatever else went wrong is logged and told as a ModelError.
    """
    if scan.blank:
        return explain(model, scan, choice.method)  # says at once why it cannot be, whoever else is in the queue
    key = question_key(model.card, scan, choice.method, choice.engine, target, choice.seed, choice.seconds)
    asked = _asked(key)
    if found := CACHE.get(key):
        asked.leave()
        return found
    if asked.cancelled:
        return None
    if asked.job is None or asked.job.state == "cancelled":  # the latter: dropped, for nobody looked at the page
        asked.job = QUEUE.submit(key, asked.user, _work(key, model, scan, choice, target))
    job = asked.job
    job.wait(AT_ONCE)
    if job.state in _LIVE:
        return None
    QUEUE.look(key, asked.user)  # so that the queue does not keep what this session holds
    if job.error is not None:
        raise _told(job.error)
    return job.result


def leave() -> None:
    """Give up what this session waits for: the reader has turned to something else."""
    if asked := st.session_state.pop("asked", None):
        asked.leave()


def _asked(key: str) -> _Asked:
    if "asked" in st.session_state and st.session_state["asked"].key != key:
        leave()
    return st.session_state.setdefault("asked", _Asked(key))


def _work(key: str, model: Model, scan: Scan, choice: Choice, target: str):
    def work(progress, cancelled) -> Explanation:
        budget = Budget(choice.seconds, progress=progress, cancelled=cancelled)
        explanation = explain(
            model, scan, choice.method, target=target, engine=choice.engine, seed=choice.seed, budget=budget
        )
        CACHE.put(key, explanation)
        return explanation

    return work


def _told(error: BaseException) -> Exception:
    if isinstance(error, ModelError | ScanError):
        return error
    logging.getLogger("candor").error("an explanation failed", exc_info=error)
    return ModelError(FAILED)


def wait(scan: Scan, choice: Choice) -> None:
    """Draw the scan, and beside it how far the explanation is, or that it was cancelled."""
    _, beside = show(scan)
    asked: _Asked = st.session_state["asked"]
    with beside:
        if asked.cancelled:
            st.write("Cancelled.")
            st.button("Explain again", on_click=leave)
        else:
            _watch(asked, choice)


@st.fragment(run_every=_POLL)
def _watch(asked: _Asked, choice: Choice) -> None:
    job = QUEUE.look(asked.key, asked.user)
    if job is None or job.state not in _LIVE:
        st.rerun()
    st.write(f"**{METHODS[choice.method].title}**")
    if job.state == "waiting":
        st.progress(0.0, f"Waiting for other explanations: place {job.place} in the queue.")
    else:
        st.progress(*under_way(job.progress, job.seconds, choice.seconds))
    st.button("Cancel", on_click=asked.cancel)
    st.caption("The map appears here as soon as it is stable, or when the time is over.")
