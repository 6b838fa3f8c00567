"""python -m dicomweb find | fetch | send: a series from a PACS as files, and results back to it."""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from dicomweb.series import Series
from dicomweb.server import ADDRESS, PASSWORD, READ_SECONDS, USER, PacsError, Server, server_from
from dicomweb.transfer import fetch_series, find_series, send
from model_zoo.whole_files import write_whole
from scans import MAX_BYTES, MAX_FILES, is_dicom


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns 0, or 2 with one sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        server = server_from(os.environ if options.server is None else os.environ | {ADDRESS: options.server})
        if server is None:
            raise PacsError(f"No PACS is configured; give --server, or set {ADDRESS}.")
        if not options.seconds > 0:
            raise PacsError("--seconds is a time above 0.")
        return options.run(replace(server, read_seconds=options.seconds), options)
    except PacsError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        print(f"error: cannot read or write {error.filename} ({error.strerror})", file=sys.stderr)
    return 2


def _found(server: Server, options: argparse.Namespace) -> list[Series]:
    return find_series(server, study=options.study, accession=options.accession, patient=options.patient)


def _find(server: Server, options: argparse.Namespace) -> int:
    found = _found(server, options)
    if options.json:
        print(json.dumps([vars(each) | {"place": place} for place, each in enumerate(found)], indent=2))
    else:
        for place, each in enumerate(found):
            print(f"{place}: {each.title}")
    return 0


def _fetch(server: Server, options: argparse.Namespace) -> int:
    if options.out.exists() and any(options.out.iterdir()):
        raise PacsError(f"{options.out} is not empty; give a new folder, or files of two series would be mixed.")
    found = _found(server, options)
    if not 0 <= options.series < len(found):
        raise PacsError(f"There is no series {options.series}; `find` lists series 0 to {len(found) - 1}.")
    files = fetch_series(server, found[options.series])
    options.out.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(files, 1):
        write_whole(options.out / f"image-{number:04d}.dcm", data)
    print(f"{len(files)} files in {options.out}")
    return 0


def _send(server: Server, options: argparse.Namespace) -> int:
    if len(options.files) > MAX_FILES:
        raise PacsError(f"These are {len(options.files)} files; at most {MAX_FILES} are sent at a time.")
    files = []
    for path in options.files:
        if path.stat().st_size > MAX_BYTES or not is_dicom(data := path.read_bytes()):
            raise PacsError(f"{path} is no DICOM file of at most {MAX_BYTES / 1e6:.0f} MB; nothing was sent.")
        files.append(data)
    print(f"{send(server, files)} sent to {server.name}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dicomweb",
        description="Find a series in a PACS, fetch its files and send results back, over DICOMweb. "
        f"The login comes from {USER} and {PASSWORD}, never from the command line.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    find = commands.add_parser("find", help="list the series of a study, an accession number or a patient")
    fetch = commands.add_parser("fetch", help="write the files of one of these series into a folder")
    stow = commands.add_parser("send", help="send DICOM files that Candor made")
    for command, run in ((find, _find), (fetch, _fetch), (stow, _send)):
        command.set_defaults(run=run)
        command.add_argument("--server", metavar="URL", help=f"address of the DICOMweb service; default: {ADDRESS}")
        command.add_argument("--seconds", type=float, default=READ_SECONDS, metavar="S", help="wait for a sign of it")
    for command in (find, fetch):
        given = command.add_mutually_exclusive_group(required=True)
        given.add_argument("--study", default="", metavar="UID", help="Study Instance UID")
        given.add_argument("--accession", default="", metavar="NUMBER", help="accession number")
        given.add_argument("--patient", default="", metavar="ID", help="patient ID")
    find.add_argument("--json", action="store_true", help="print one JSON list")
    fetch.add_argument("--series", type=int, default=0, metavar="N", help="place in the list of `find`; default: 0")
    fetch.add_argument("--out", type=Path, required=True, metavar="DIR")
    stow.add_argument("files", nargs="+", type=Path, metavar="FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
