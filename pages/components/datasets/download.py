"""How does a dataset get onto this machine? A download that is asked for twice, runs behind the page, and may fail."""

import logging
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from datasets.cards import DatasetCard, data_folder
from datasets.download import download, fetched, offered, steps
from datasets.records import DatasetError
from pages.components.datasets.work import forget, known, started

_POLL = 1.0  # seconds
_ANSWER = 6.0  # seconds that Kaggle is given to say how large a set is
_UNREACHED = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError")  # of requests
_HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")


def offer(cards: list[DatasetCard]) -> None:
    """Draw, for each set that is not on this machine, how it gets here: running, failed, or still to be asked for."""
    for card in cards:
        work = known(("download", card.task))
        if work and not work.over.is_set():
            _watch(card)
        elif work and work.error:
            _failed(card, work.error)
        elif not _at_this_machine():
            st.caption(f"Whoever runs this server can fetch it there: {_command(card)}.")
        elif card.kaggle:
            if st.button(f"Download “{card.title}”…", key=f"download-{card.task}"):
                _confirm(card)
        else:
            with st.expander(f"How to get “{card.title}”"):
                _by_hand(card)


def _at_this_machine() -> bool:
    """Tell whether the reader sits at the machine that the data would land on, as far as a browser tells."""
    host = urlsplit(st.context.url or "http://localhost").hostname
    return st.context.ip_address is None and host in _HERE


def _command(card: DatasetCard) -> str:
    return f"`python -m train download {card.task}`" if card.kaggle else f"from {card.source}, unpacked by hand"


@st.dialog("Download this dataset?")
def _confirm(card: DatasetCard) -> None:
    st.write(f"**{card.title}**")
    with st.spinner("Asking Kaggle how large it is…"):
        work = started(("offer", card.task), lambda told: offered(card))
        work.over.wait(_ANSWER)
    size, licence = work.result or (0, "")
    if work.error:
        forget(("offer", card.task))  # asked again the next time
    place = _place(card)
    free = shutil.disk_usage(_existing(place)).free
    st.markdown(
        f"- Size: {f'{_megabytes(size)} to download' if size else 'Kaggle does not say just now'}. While it is "
        f"unpacked the disk needs about three times as much; {_megabytes(free)} are free.\n"
        f"- Licence: {f'{licence}, says Kaggle' if licence else card.licence}. The terms are the publisher's; by "
        "downloading you accept them."
    )
    st.text(f"It is put into {place}")
    if st.button("Download it", type="primary", on_click=_start, args=(card,)):
        st.rerun()  # closes the dialog
    st.link_button("Read the publisher's page", card.source)


def _start(card: DatasetCard) -> None:
    started(("download", card.task), lambda told: download(card, data_folder()))


@st.fragment(run_every=_POLL)
def _watch(card: DatasetCard) -> None:
    work = known(("download", card.task))
    if work is None or work.over.is_set():
        st.rerun()
    asked = known(("offer", card.task))
    whole = asked.result[0] if asked and asked.result else 0
    come = fetched(card)
    if come:
        so_far = f"{_megabytes(come)}{f' of {_megabytes(whole)}' if whole else ''}"
    else:
        so_far = "waiting for Kaggle, or unpacking"
    st.progress(
        min(come / whole, 1.0) if whole else 0.0, f"Downloading “{card.title}”: {so_far}, for {work.seconds} s."
    )
    st.caption("It goes on when you leave this page. The pictures appear here when it is done.")


def _failed(card: DatasetCard, error: Exception) -> None:
    st.error(f"“{card.title}” could not be downloaded.")
    if not isinstance(error, DatasetError | OSError):
        logging.getLogger("candor").error("a download failed", exc_info=error)
    root = error.__cause__ or error  # a DatasetError lists the steps by hand, which are drawn below
    if type(root).__name__ in _UNREACHED:
        st.write(
            "Kaggle could not be reached: is this machine online, and does its firewall or proxy let Kaggle through?"
        )
    st.text(f"What was said: {str(root).partition(chr(10))[0][:200] or type(root).__name__}")
    _by_hand(card)
    st.button("Try again", key=f"again-{card.task}", on_click=forget, args=(("download", card.task),))


def _by_hand(card: DatasetCard) -> None:
    st.write("By hand:")
    done = (*steps(card, _place(card)), "reload this page")
    st.text("\n".join(f"{number}. {step}" for number, step in enumerate(done, 1)))
    st.link_button("Open the publisher's page", card.source)


def _place(card: DatasetCard) -> Path:
    return (data_folder() / card.folder).resolve()


def _existing(place: Path) -> Path:
    return next(folder for folder in (place, *place.parents) if folder.exists())


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def tell_arrivals(cards: list[DatasetCard]) -> None:
    """Say once of each set that its download is done."""
    for card in cards:
        work = known(("download", card.task))
        if work and work.over.is_set() and not work.error:
            forget(("download", card.task))
            st.success(f"“{card.title}” is now on this machine.")
