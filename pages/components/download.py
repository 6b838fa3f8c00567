"""A button that makes a file when it is pressed, and gives it to the browser within the page itself.

Streamlit's own button for that points to a file of the run that drew it: a click that meets the next run is lost. Here
the click is a value, which the browser sends again with what the user does next where a redraw dropped it (an event, as
Streamlit's buttons send it, would be lost), and the file comes with what is drawn next.
"""

import logging
from base64 import b64encode
from collections.abc import Callable
from secrets import token_hex
from time import monotonic

import streamlit as st

from pages.components.requests import FAILED
from pages.components.state import state
from pages.viewer.in_browser import browser_component

_FORGOTTEN_AFTER = 60.0  # seconds: whoever went to another page meanwhile does not want the file any more
_HTML = '<button type="button"></button>'
_CSS = """
button {
  font: inherit; font-size: 0.875rem; color: var(--st-text-color); cursor: pointer;
  background: hsl(from var(--st-background-color) h s calc(l + 2.5));
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, var(--st-base-radius));
  min-height: 2.5rem; padding: 0.25rem 0.75rem; white-space: nowrap;
}
button:hover, button:focus-visible { color: var(--st-primary-color); border-color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
button[aria-busy=true] { opacity: 0.6; cursor: progress; }
"""
# What was given is remembered by the page, not by the button: a button that is drawn anew must not give it again.
_JS = """
const given = (globalThis.candorGiven ??= new Set());

function draw({ parentElement, data, setStateValue }) {
  const button = parentElement.querySelector("button");
  button.textContent = data.label;
  if (button.title !== data.name) button.removeAttribute("aria-busy");
  button.title = data.name;
  button.onclick = () => {
    button.setAttribute("aria-busy", "true");
    // Not with what another component says at this click: Streamlit reruns the fragment of one of the two alone.
    setTimeout(() => setStateValue("wanted", performance.now()), 50);
  };
  if (!data.file || given.has(data.file.id)) return;
  given.add(data.file.id);
  button.removeAttribute("aria-busy");
  if (data.file.error) return;
  setTimeout(() => setStateValue("given", data.file.id));
  const bytes = Uint8Array.from(atob(data.file.bytes), (each) => each.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: data.file.mime }));
  link.download = data.file.name;
  parentElement.append(link);  // a click elsewhere would close the popover that the button may stand in
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

export default drawNewest(draw, () => {});
"""
_button = browser_component("candor-download", _JS, css=_CSS, html=_HTML)


def download_button(label: str, make: Callable[[], bytes], name: str, mime: str) -> None:
    """Draw the button. `make` is called once for each click, while the button is drawn, and returns the file."""
    with st.container(width="content"):  # that of a fragment would stretch
        _draw(label, make, name, mime)


@st.fragment  # so that a click redraws the button and not the page
def _draw(label: str, make: Callable[[], bytes], name: str, mime: str) -> None:
    downloads, key = state().downloads, f"export-{label}"

    def want() -> None:
        downloads[key] = {"id": token_hex(8), "asked": monotonic(), "name": name, "mime": mime}

    def forget() -> None:  # unless another was asked for meanwhile
        if downloads.get(key, {}).get("id") == st.session_state[key]["given"]:
            del downloads[key]

    file = downloads.get(key)
    # Asked for of another scan, a file that is made is still given; none is made of this one, and an error is over.
    of_another = file and file["name"] != name and "bytes" not in file
    if file and (of_another or monotonic() - file["asked"] > _FORGOTTEN_AFTER):
        file = downloads.pop(key) and None
    if file and not {"bytes", "error"} & set(file):
        try:
            file["bytes"] = b64encode(make()).decode()
        except Exception:
            logging.getLogger("candor").exception("a download failed")
            file["error"] = True
        file["asked"] = monotonic()  # a report may take longer to make than a file is kept
    # With the file until the browser says that it has it: what one run draws, the next may replace unseen.
    _button(
        key=key,
        data={"label": label, "name": name, "file": file},
        width="content",
        on_wanted_change=want,
        on_given_change=forget,
    )
    if file and "error" in file:
        st.error(FAILED)
