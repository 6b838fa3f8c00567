"""A report as one self-contained HTML file: no script, no network, light and dark, printable."""

import base64
from functools import lru_cache

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from explain.render.overlay import png
from explain.report.document import document
from explain.report.report_input import ReportInput


def html(report: ReportInput) -> str:
    """Return the report as a page. All text is escaped: that of a card or a scan is not trusted."""
    return page("report.html", document=document(report))


def page(template: str, **values: object) -> str:
    """Return a template of this folder filled with `values`."""
    return templates().get_template(template).render(values)


def data_uri(picture: np.ndarray) -> str:
    """Return an uint8 picture (h, w), (h, w, 3) or (h, w, 4) as a data URI of a PNG."""
    return f"data:image/png;base64,{base64.b64encode(png(picture)).decode()}"


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Return Jinja's environment for this folder; a value that a template lacks is an error."""
    environment = Environment(
        loader=PackageLoader("explain.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["data"] = data_uri
    environment.globals["kind_of"] = lambda block: type(block).__name__
    return environment
