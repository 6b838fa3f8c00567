"""How is a page opened in a test? As Streamlit runs it, without a browser.

All tests of a process share one session's caches. That is harmless as long as everything is cached by
what it is made from, and so these tests would notice if it were not.
"""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.explain import progress as waiting

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A page waits for its map as long as that takes: these tests ask for it, not for the clock of a busy machine."""
    monkeypatch.setattr(waiting, "AT_ONCE", 55.0)


@pytest.fixture
def app() -> AppTest:
    """The app with nothing chosen yet; not run."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Hand files (name, bytes) to the upload field, and run."""
    values = [(name, data, "application/octet-stream") for name, data in files]
    return app.file_uploader[0].set_value(values).run()


def errors(app: AppTest) -> list[str]:
    return [error.value for error in app.error]


def answer(app: AppTest) -> str:
    """Return the headline of the verdict, "" where there is none."""
    assert not app.exception
    return app.subheader[0].value if app.subheader else ""
