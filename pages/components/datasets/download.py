"""Download of a dataset to this machine: confirmed first, run in the background, with manual steps if it fails."""

import logging
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from datasets.cards import DatasetCard, data_folder
from datasets.download import download, downloaded_bytes, kaggle_offer, manual_steps
from datasets.records import DatasetError
from explain.queue import LIVE, Busy
from pages.components.datasets.jobs import forget, job_of, submit

_POLL = 1.0  # seconds
_PATIENCE = 6.0  # seconds to wait for Kaggle to say how large a set is
_UNREACHABLE = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError")  # of requests
_HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")


def show_downloads(cards: list[DatasetCard]) -> None:
    """Draw, for each set that is not on this machine, its download: running, failed, or a button to start it."""
    for card in cards:
        job = job_of(_key(card))
        if job and job.state in LIVE:
            _watch(card)
        elif job and job.error:
            _show_failure(card, job.error)
        elif not _is_local_user():
            st.caption(f"The administrator of this server can download it there: {_command(card)}.")
        elif card.kaggle:
            if st.button(f"Download “{card.title}”…", key=f"download-{card.task}"):
                _confirm(card)
        else:
            with st.expander(f"How to get “{card.title}”"):
                _show_steps(card)


def _key(card: DatasetCard) -> str:
    return f"download of {card.task}"


def _is_local_user() -> bool:
    """Return whether the user sits at the machine that runs the app, as far as a browser tells."""
    host = urlsplit(st.context.url or "http://localhost").hostname
    return st.context.ip_address is None and host in _HERE


def _command(card: DatasetCard) -> str:
    return f"`python -m train download {card.task}`" if card.kaggle else f"from {card.source}, unpacked by hand"


@st.dialog("Download this dataset?")
def _confirm(card: DatasetCard) -> None:
    st.write(f"**{card.title}**")
    with st.spinner("Asking Kaggle how large it is…"):
        size, licence = _offer(card)
    place = _place(card)
    free = shutil.disk_usage(_existing(place)).free
    st.markdown(
        f"- Size: {f'{_megabytes(size)} to download' if size else 'unknown, Kaggle did not reply'}. Unpacking needs "
        f"about three times as much disk space; {_megabytes(free)} are free.\n"
        f"- Licence: {f'{licence} (according to Kaggle)' if licence else card.licence}. The terms are the publisher's; "
        "by downloading you accept them."
    )
    st.text(f"Folder: {place}")
    if st.button("Start download", key=f"confirm-{card.task}", type="primary", on_click=_start, args=(card,)):
        st.rerun()  # closes the dialog
    st.link_button("Publisher's page", card.source)


def _offer(card: DatasetCard) -> tuple[int, str]:
    """Return size in bytes and licence as Kaggle states them; (0, "") where it does not reply in time."""
    key = f"offer of {card.task}"
    try:
        job = submit(key, lambda progress: kaggle_offer(card))
    except Busy:
        return 0, ""
    job.wait(_PATIENCE)
    if job.error:
        forget(key)  # asked again the next time
    return job.result or (0, "")


def _start(card: DatasetCard) -> None:
    try:
        submit(_key(card), lambda progress: download(card, data_folder()))
    except Busy as error:
        st.toast(str(error))


@st.fragment(run_every=_POLL)
def _watch(card: DatasetCard) -> None:
    job = job_of(_key(card))
    if job is None or job.state not in LIVE:
        st.rerun()
    offer = job_of(f"offer of {card.task}")
    whole = offer.result[0] if offer and offer.result else 0
    loaded = downloaded_bytes(card)
    if loaded:
        so_far = f"{_megabytes(loaded)}{f' of {_megabytes(whole)}' if whole else ''}"
    else:
        so_far = "queued" if job.state == "waiting" else "waiting for Kaggle, or unpacking"
    share = min(loaded / whole, 1.0) if whole else 0.0
    st.progress(share, f"Downloading “{card.title}”: {so_far}, {job.seconds:.0f} s.")
    st.caption("The download continues when you leave this page. The scans appear here when it is done.")


def _show_failure(card: DatasetCard, error: BaseException) -> None:
    st.error(f"“{card.title}” could not be downloaded.")
    if not isinstance(error, DatasetError | OSError):
        logging.getLogger("candor").error("a download failed", exc_info=error)
    root = error.__cause__ or error  # a DatasetError lists the manual steps, which are drawn below
    if type(root).__name__ in _UNREACHABLE:
        st.write(
            "Kaggle could not be reached: check that this machine is online and that its firewall or proxy allows it."
        )
    st.text(f"Reason: {str(root).partition(chr(10))[0][:200] or type(root).__name__}")
    _show_steps(card)
    st.button("Try again", key=f"again-{card.task}", on_click=forget, args=(_key(card),))


def _show_steps(card: DatasetCard) -> None:
    st.write("By hand:")
    steps = (*manual_steps(card, _place(card)), "reload this page")
    st.text("\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1)))
    st.link_button("Publisher's page", card.source)


def _place(card: DatasetCard) -> Path:
    return (data_folder() / card.folder).resolve()


def _existing(place: Path) -> Path:
    return next(folder for folder in (place, *place.parents) if folder.exists())


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def show_arrivals(cards: list[DatasetCard]) -> None:
    """Report each finished download once."""
    for card in cards:
        job = job_of(_key(card))
        if job and job.state == "done":
            forget(_key(card))
            st.success(f"“{card.title}” is now on this machine.")
