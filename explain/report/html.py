"""How does a report become one HTML file that needs nothing else: no script, no network, light and dark, printable?"""

import base64
from functools import lru_cache

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from explain.render.overlay import png
from explain.report.document import document
from explain.report.report_input import ReportInput


def html(report: ReportInput) -> str:
    """Return the page. Every word is escaped: a card's and a scan's are strangers' words, too."""
    return page("report.html", document=document(report))


def page(template: str, **given: object) -> str:
    """Return a template of this folder, filled."""
    return templates().get_template(template).render(given)


def data_uri(picture: np.ndarray) -> str:
    """Return an uint8 picture (h, w), (h, w, 3) or (h, w, 4) as a PNG in the address itself."""
    return f"data:image/png;base64,{base64.b64encode(png(picture)).decode()}"


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Return Jinja's environment for this folder; a name that a template lacks is an error."""
    found = Environment(
        loader=PackageLoader("explain.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["data"] = data_uri
    found.globals["kind_of"] = lambda block: type(block).__name__
    return found
