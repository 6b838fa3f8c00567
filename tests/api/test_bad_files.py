"""Every bad file is refused over HTTP with the sentence of the command line, and the next good one is read."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from api.client import ApiError
from scans import ScanError, read
from scans.sandbox import LATE, TOO_SLOW
from tests.api.servers import MODEL, scan_file
from tests.bad_files import BAD_FILES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def answers(server) -> dict[str, tuple[ApiError | None, str]]:
    """The error and the reader's own sentence for each file, two at a time."""

    def ask(name: str) -> tuple[ApiError | None, str]:
        data = BAD_FILES[name]()
        try:
            own = f"{len(read(data))} slices"
        except ScanError as error:
            own = str(error)
        try:
            with server.client() as client:
                client.predict(data, MODEL)
        except ApiError as error:
            return error, own
        return None, own

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(BAD_FILES, pool.map(ask, BAD_FILES), strict=True))


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_the_sentence_of_the_command_line(name, answers):
    error, own = answers[name]
    assert error is not None and error.status in (413, 422)
    # A file that takes the decoder some 6 s of processor time is given up in one of two runs on a busy machine.
    assert error.detail == own or {LATE, TOO_SLOW} & {error.detail, own}
    assert (error.status == 413) == (name == "over-the-limit.nii")


def test_a_good_file_is_read_after_all_the_bad_ones(answers, client):
    assert client.predict(scan_file(), MODEL).predictions[0].predicted
