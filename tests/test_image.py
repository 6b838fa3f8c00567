"""What goes into the image and what must not, its health check, and the secrets that its docs make."""

import importlib.util
import json
import re
import subprocess
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from api import ROOT as API
from api.tokens import read_tokens
from tests.door.servers import free_port

ROOT = Path(__file__).parents[1]
CONTAINER = ROOT / "container"
DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text()
DOCS = "\n".join(path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
IGNORE = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
NEEDED = ("app.py", "requirements.txt", "LICENSE", ".streamlit/config.toml")
ROOMS = ("api", "container", "datasets", "dicomweb", "explain", "model_zoo", "pages", "scans", "train")

# What the commands of the docs make users put into this folder: folders, and files.
COMMANDS = "\n".join(re.findall(r"^ *```\w*$(.*?)^ *```$", DOCS, re.MULTILINE | re.DOTALL))
FOLDERS = set(re.findall(r"\s(?:--out|--data|explain report|explain batch) ([a-z][\w-]*)[/\s]", COMMANDS))
FILES = set(re.findall(r"(?:\s(?:--out|--calibration|-o) )([a-z]\w*\.\w+)\s", COMMANDS))
FILES |= set(re.findall(r"(?:\s(?:--tokens|>) |-secret-file=)([a-z]\w*)\s", COMMANDS))
FILES |= set(re.findall(r"(?<![\w./-])[a-z]\w*\.(?:dcm|nii\.gz|png|npy|pdf)\b", COMMANDS))
SECRETS = {".streamlit/secrets.toml", "container/secrets/cookie_secret", "tokens", "client_secret", "cookie_secret"}


def in_image(path: str) -> bool:
    """Return whether Docker sends a path to the build: of the lines that name it or a parent, the last counts."""
    parts, inside = path.split("/"), True
    for line in IGNORE:
        pattern = line.removeprefix("!").split("/")
        beginnings = [parts[:end] for end in range(1, len(parts) + 1)]
        if pattern[0] == "**":  # at any depth
            pattern, beginnings = pattern[1:], [[part] for part in parts]
        if any(len(each) == len(pattern) and all(map(fnmatchcase, each, pattern)) for each in beginnings):
            inside = line.startswith("!")
    return inside


def tracked(*options: str) -> list[str]:
    """Return the files that git knows here."""
    done = subprocess.run(["git", "ls-files", "-z", *options], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


def test_the_commands_of_the_docs_name_at_least_these():
    assert {"data", "maps", "reports", "results"} <= FOLDERS
    assert {"scan.dcm", "scan.nii.gz", "other.png", "map.npy", "site.json", "client_secret", "tokens"} <= FILES


@pytest.mark.parametrize("path", sorted(FILES | SECRETS | {f"{folder}/x" for folder in FOLDERS}))
def test_no_scan_result_or_secret_of_a_user_goes_into_git_or_the_image(path):
    ignored = subprocess.run(["git", "check-ignore", "-q", "--no-index", path], cwd=ROOT)
    assert ignored.returncode == 0 and not in_image(path)


@pytest.mark.parametrize(
    "path", ["scans/a/1.dcm", "scans/brain.nii.gz", "model_zoo/.new/model.keras", "note.txt", "x/y"]
)
def test_nothing_goes_into_the_image_only_because_it_lies_in_the_folder(path):
    assert not in_image(path)


def test_git_ignores_nothing_that_it_tracks():
    assert tracked("--cached", "--ignored", "--exclude-standard") == []


def test_the_image_holds_what_it_needs_and_no_file_that_the_app_does_not():
    """`container/check.sh` copies what git tracks of it."""
    files = [path for path in tracked() if in_image(path)]
    assert set(NEEDED) <= set(files) and {path.split("/")[0] for path in files} >= set(ROOMS)
    missing = [path for path in tracked(*ROOMS) if path not in files]
    assert all(path.startswith(("model_zoo/measured/", "train/weights/")) for path in missing)
    assert [path for path in files if path.startswith(("tests/", "benchmarks/", ".git", ".ci"))] == []


def test_the_check_of_the_image_copies_what_docker_would(tmp_path):
    script = (CONTAINER / "check.sh").read_text()
    lines = [line for line in script.splitlines() if line.startswith(("wanted=", "exclude="))]
    command = "\n".join([f"here={ROOT}", *lines, 'cd "$here" && git ls-files -z -- $wanted $exclude'])
    copied = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout
    assert sorted(copied.split("\0")[:-1]) == sorted(path for path in tracked() if in_image(path))
    for name in ("install.sh", "start.sh", "check.sh"):
        subprocess.run(["bash", "-n", CONTAINER / name], check=True)


def test_the_image_keeps_the_codecs_that_the_code_calls():
    code = "\n".join((ROOT / path).read_text() for path in tracked(*ROOMS) if path.endswith(".py"))
    called = set(re.findall(r"imagecodecs\.(\w+)_(?:de|en)code", code))
    kept = set(re.findall(r"! -name '_(\w+)\.\*'", (CONTAINER / "install.sh").read_text()))
    assert called and called <= kept


def test_the_proxy_signs_users_in_everywhere_but_at_the_api():
    compose = (CONTAINER / "compose.yaml").read_text()
    (skipped,) = re.findall(r"--skip-auth-route=(\S+)", compose)
    assert "--upstream=http://api:8600/api/" in compose and re.match(skipped, f"{API}/models")
    assert not any(re.match(skipped, path) for path in ("/", "/explain", "/_stcore/stream", "/x/api/", "/apis"))


def test_the_docs_give_the_size_of_the_image_that_was_measured_within_its_bound():
    measured = json.loads((ROOT / "benchmarks" / "results" / "image.json").read_text())
    assert f"{measured['megabytes']:,} MB" in DEPLOYMENT
    assert measured["megabytes"] < measured["most"] == 2500


class Answering(BaseHTTPRequestHandler):
    """A service that is well at one path, and at no other."""

    well: str

    def do_GET(self):
        self.send_response(200 if self.path == self.well else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def healthy(monkeypatch):
    """The health check of the image, with two free ports in the places of its own."""
    found = importlib.util.spec_from_file_location("healthy", CONTAINER / "healthy.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    ports = re.search(r"EXPOSE (\d+) (\d+)", (CONTAINER / "Containerfile").read_text()).groups()
    assert [re.search(r":(\d+)/", each)[1] for each in module.ADDRESSES] == list(ports)
    free = {port: str(free_port()) for port in ports}
    module.ADDRESSES = tuple(re.sub(r":(\d+)/", lambda m: f":{free[m[1]]}/", each) for each in module.ADDRESSES)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # of the host: this machine is asked without it
    return module


def serving(address: str, well: str) -> ThreadingHTTPServer:
    port = int(re.search(r":(\d+)/", address)[1])
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (Answering,), {"well": well}))
    Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.mark.parametrize(("place", "path"), [(0, "/_stcore/health"), (1, "/api/v1/health")], ids=["app", "api"])
def test_a_container_is_healthy_where_the_one_service_that_it_runs_is_well(healthy, place, path):
    assert healthy.status([]) == 1
    server = serving(healthy.ADDRESSES[place], path)
    try:
        assert healthy.status([]) == healthy.status([healthy.ADDRESSES[place]]) == 0
        assert healthy.status([healthy.ADDRESSES[1 - place]]) == 1
        assert healthy.status([healthy.ADDRESSES[place] + "/x"]) == 1
    finally:
        server.shutdown()
        server.server_close()


def test_the_image_and_compose_name_no_address_to_the_health_check():
    for name in ("Containerfile", "compose.yaml"):
        (arguments,) = re.findall(r"healthy\.py([^\]]*)\]", (CONTAINER / name).read_text())
        assert arguments.strip('"') == ""


def test_the_commands_of_the_docs_make_secrets_that_each_service_can_read_and_use(tmp_path):
    commands = [line.strip() for line in DEPLOYMENT.splitlines() if re.match(r" *(mkdir|openssl|printf|chmod) ", line)]
    subprocess.run(["bash", "-euc", "\n".join(["umask 077", *commands])], cwd=tmp_path, check=True)
    folder = tmp_path / "container" / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700  # closed to the other users of the host
    secrets = {path.name: path for path in folder.iterdir()}
    assert set(secrets) == set(re.findall(r"file: secrets/(\w+)", (CONTAINER / "compose.yaml").read_text()))
    assert {path.stat().st_mode & 0o777 for path in secrets.values()} == {0o644}  # open to the users of the containers
    assert len(secrets["cookie_secret"].read_bytes()) in (16, 24, 32)  # as oauth2-proxy reads it, line break included
    assert not secrets["oidc_client_secret"].read_bytes().endswith(b"\n")
    assert len(read_tokens(secrets["candor_tokens"], {})) == 1


def test_every_cookie_secret_in_the_docs_has_a_length_that_oauth2_proxy_takes(tmp_path):
    made = re.findall(r"(openssl [^&\n`]*)> *\S*cookie_secret", DOCS)
    assert len(made) == 2
    for command in made:
        done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
        assert len(done.stdout) in (16, 24, 32)
