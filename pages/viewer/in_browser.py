"""Components of a page that run in the browser: plain modules, joined to the one that Streamlit takes."""

import re
from collections.abc import Callable
from pathlib import Path

import streamlit as st

_NEWEST = Path(__file__).parent / "client" / "newest.js"


def browser_component(name: str, *modules: str, css: str, html: str | None = None) -> Callable:
    """Return what draws a component whose JavaScript are the sources `modules`, each after those that it needs.

    The last of them exports as default what `drawNewest` of `newest.js` returns.
    """
    return st.components.v2.component(name, html=html, css=css, js=joined(*modules))


def joined(*modules: str) -> str:
    """Return the sources of modules as one, after `newest.js`: without the lines by which they name each other."""
    text = "\n".join((_NEWEST.read_text(), *modules))
    text = re.sub(r"^import .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE)
