"""Which server is configured, and what the command says where none is."""

import pytest

from dicomweb import PacsError, server_from
from dicomweb.__main__ import main
from dicomweb.server import ADDRESS, PASSWORD, USER


def test_the_settings_name_the_server_and_its_password_is_never_printed():
    server = server_from({ADDRESS: " https://pacs.example.org:8443/dicom-web/ ", USER: "candor", PASSWORD: "secret"})
    assert (server.address, server.name) == ("https://pacs.example.org:8443/dicom-web", "pacs.example.org:8443")
    assert (server.user, server.password) == ("candor", "secret") and "secret" not in repr(server)


@pytest.mark.parametrize("settings", [{}, {ADDRESS: ""}, {ADDRESS: "  "}, {USER: "candor"}])
def test_without_an_address_there_is_no_server(settings):
    assert server_from(settings) is None


@pytest.mark.parametrize(
    "address",
    [
        "pacs.example.org",
        "ftp://pacs.example.org",
        "file:///etc/passwd",
        "http://",
        "http://host:port/x",
        "http://host:99999/x",
        "http://host/x?y=1",
        "http://[::1",
    ],
)
def test_an_address_that_is_none_is_one_sentence(address):
    with pytest.raises(PacsError) as error:
        server_from({ADDRESS: address})
    assert ADDRESS in str(error.value) and "\n" not in str(error.value)


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(PacsError) as error:
        server_from({ADDRESS: "https://candor:hush@pacs.example.org/dicom-web"})
    assert PASSWORD in str(error.value) and "hush" not in str(error.value)


def test_a_series_is_not_fetched_into_a_folder_that_holds_files(tmp_path, capsys):
    (tmp_path / "image-0001.dcm").write_bytes(b"of another patient")
    given = ["fetch", "--accession", "A7", "--server", "http://127.0.0.1:1/dicom-web", "--out", str(tmp_path)]
    assert main(given) == 2 and f"{tmp_path} is not empty; give a new folder" in capsys.readouterr().err
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"of another patient"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["find", "--accession", "A7"],
        ["find", "--accession", "A7", "--server", "nowhere"],
        ["find", "--accession", "A7", "--server", "http://127.0.0.1:1/dicom-web"],
        ["find", "--accession", "A7", "--server", "http://127.0.0.1:1/dicom-web", "--seconds", "0"],
        ["send", "/no/such/file.dcm", "--server", "http://127.0.0.1:1/dicom-web"],
        ["send", __file__, "--server", "http://127.0.0.1:1/dicom-web"],
    ],
)
def test_what_goes_wrong_is_one_sentence_on_stderr(arguments, monkeypatch, capsys):
    monkeypatch.delenv(ADDRESS, raising=False)
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and printed.err.startswith("error: ")
