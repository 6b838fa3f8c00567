"""How the door is set: what is refused at the start, which claims make whom what, and where the values come from."""

import tomllib
from pathlib import Path

import pytest

from explain.audit import AUDIT, EVENTS
from pages.door.settings import (
    _ENVIRONMENT,
    DOOR,
    ENGINEER,
    LOGIN,
    NOBODY,
    OPEN,
    PROXY,
    USER,
    Door,
    DoorError,
    door_of,
    environment_secrets,
    only_this_machine,
    require_door,
    with_environment,
)

ROOT = Path(__file__).parents[2]
AUTH = {
    "redirect_uri": "https://candor.example.org/oauth2callback",
    "cookie_secret": "x" * 32,
    "client_id": "candor",
    "client_secret": "secret",
    "server_metadata_url": "https://login.example.org/.well-known/openid-configuration",
}
OWN = {"engineer": ["physics"], "user": ["radiology", "neuro surgery"]}


def test_without_secrets_the_door_is_open_and_everybody_here_is_an_engineer():
    assert door_of({}, None) == Door() and Door().role_of({}) == ENGINEER


@pytest.mark.parametrize("headers", [None, {}])
@pytest.mark.parametrize("own", [OWN, {"user": "*"}, {"claim": "roles"}, {"proxies": ["10.89.0.0/24"]}, "radiology"])
def test_roles_where_nobody_signs_in_are_refused_for_they_would_make_everybody_an_engineer(own, headers):
    with pytest.raises(DoorError) as refused:
        door_of({"candor": own}, headers)
    for word in ("[candor]", "login", "trusted headers", "docs/security.md"):
        assert word in str(refused.value)


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "LOCALHOST"])
def test_this_machine_alone_needs_no_login(address):
    assert only_this_machine(address)
    require_door(address, Door(), {})


@pytest.mark.parametrize("address", ["", "0.0.0.0", "::", "192.168.1.7", "candor.example.org", "localhost.example.org"])
def test_another_address_needs_a_login_and_the_sentence_says_how(address):
    with pytest.raises(DoorError) as refused:
        require_door(address, Door(), {})
    for word in (DOOR, "login", "docs/security.md", "--server.address"):
        assert word in str(refused.value)
    require_door(address, Door(), {DOOR: OPEN})
    require_door(address, door_of({"auth": AUTH, "candor": OWN}, None), {})
    with pytest.raises(DoorError):
        require_door(address, Door(), {DOOR: "1"})


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["physics"], ENGINEER),
        (["radiology", "physics"], ENGINEER),
        (["neuro surgery"], USER),
        ("radiology, kitchen", USER),
        ("physics", ENGINEER),
        (["Physics"], NOBODY),
        (["physics2"], NOBODY),
        ([], NOBODY),
        ("", NOBODY),
        (None, NOBODY),
        ({"physics": True}, NOBODY),
        ([["physics"]], NOBODY),
        (7, NOBODY),
    ],
)
def test_a_role_is_the_highest_that_a_group_has(groups, role):
    assert door_of({"auth": AUTH, "candor": OWN}, None).role_of({"groups": groups}) == role


def test_another_claim_and_whoever_signs_in_can_be_named():
    door = door_of({"auth": AUTH, "candor": {"claim": "roles", "engineer": "chief", "user": "*"}}, None)
    assert [door.role_of(claims) for claims in ({}, {"roles": ["chief"]}, {"groups": ["chief"]})] == [
        USER,
        ENGINEER,
        USER,
    ]


@pytest.mark.parametrize(
    ("auth", "own", "word"),
    [
        (AUTH, {}, "user"),
        (AUTH, {"engineer": []}, "user"),
        (AUTH, OWN | {"admin": ["x"]}, "admin"),
        (AUTH, OWN | {"hours": 0}, "hours"),
        (AUTH, OWN | {"hours": "nan"}, "hours"),
        (AUTH, OWN | {"hours": "long"}, "hours"),
        (AUTH, OWN | {"proxies": ["everywhere"]}, "proxies"),
        (AUTH | {"client_secret": ""}, OWN, "client_secret"),
        ({}, OWN, "redirect_uri"),
        ("yes", OWN, "[auth]"),
        (AUTH | {"cookie_secret": "short"}, OWN, "cookie_secret"),
        (AUTH | {"redirect_uri": "candor.example.org"}, OWN, "redirect_uri"),
        (AUTH | {"redirect_uri": "https://candor.example.org/"}, OWN, "redirect_uri"),
    ],
)
def test_a_login_that_cannot_work_is_refused_in_one_sentence_without_its_secrets(auth, own, word):
    with pytest.raises(DoorError) as refused:
        door_of({"auth": auth, "candor": own}, None)
    assert word in str(refused.value) and "\n" not in str(refused.value) and "xxxx" not in str(refused.value)


def test_a_proxy_s_headers_count_only_from_the_proxy():
    headers = {"X-Forwarded-User": "sub", "X-Forwarded-Groups": "groups"}
    door = door_of({"candor": OWN | {"proxies": ["10.89.0.0/24", "fd00::/8"]}}, headers)
    assert door.kind == PROXY and ("x-forwarded-user", "sub") in door.headers
    for address, known in (
        ("10.89.0.7", True),
        ("::ffff:10.89.0.7", True),
        ("fd00::7%eth0", True),
        ("10.90.0.7", False),
        ("127.0.0.1", False),
        ("testclient", False),
    ):
        assert door.from_proxy(address) == known
    assert door_of({"candor": OWN}, headers).from_proxy("127.0.0.1")
    for secrets, trusted in (
        ({"candor": OWN}, {"X-User": "name"}),
        ({"auth": AUTH, "candor": OWN}, headers),
        ({}, headers),
    ):
        with pytest.raises(DoorError):
            door_of(secrets, trusted)


def test_the_environment_gives_a_login_and_a_file_may_hold_a_secret(tmp_path):
    (tmp_path / "secret").write_text("from the file\n")
    environment = {
        "CANDOR_AUTH_REDIRECT_URI": AUTH["redirect_uri"],
        "CANDOR_AUTH_COOKIE_SECRET": AUTH["cookie_secret"],
        "CANDOR_AUTH_CLIENT_ID": "candor",
        "CANDOR_AUTH_CLIENT_SECRET_FILE": str(tmp_path / "secret"),
        "CANDOR_AUTH_SERVER_METADATA_URL": AUTH["server_metadata_url"],
        "CANDOR_USERS": "radiology, neuro surgery",
        "CANDOR_LOGIN_HOURS": "8",
    }
    secrets = environment_secrets(environment)
    assert secrets["auth"]["client_secret"] == "from the file"
    door = door_of(secrets, None)
    assert (door.kind, door.hours, door.origin) == (LOGIN, 8.0, "https://candor.example.org")
    assert door.role_of({"groups": ["neuro surgery"]}) == USER
    assert environment_secrets({}) == {}
    with pytest.raises(DoorError):
        environment_secrets({"CANDOR_AUTH_CLIENT_SECRET_FILE": str(tmp_path / "none")})


def test_a_variable_takes_the_place_of_its_own_key_of_the_file_and_of_a_login_s_whole_section():
    file = {"auth": AUTH, "candor": {"claim": "roles", "engineer": ["boss"], "user": ["radiology"]}}
    given = environment_secrets({"CANDOR_LOGIN_HOURS": "8", "CANDOR_ENGINEERS": "it"})
    door = door_of(with_environment(file, given), None)
    assert (door.kind, door.hours) == (LOGIN, 8.0)
    roles = [door.role_of({"roles": [group]}) for group in ("it", "radiology", "boss")]
    assert roles == [ENGINEER, USER, NOBODY]
    assert with_environment(file, {}) == file
    assert with_environment(file, {"auth": {"client_id": "x"}})["auth"] == {"client_id": "x"}
    assert with_environment({"candor": "no section"}, given)["candor"] == given["candor"]


def test_the_example_of_the_docs_is_a_login_once_it_is_filled_in():
    example = (ROOT / "docs" / "secrets.example.toml").read_text()
    door = door_of(tomllib.loads(example), None)
    assert (door.kind, door.origin, door.hours) == (LOGIN, "https://candor.example.org", 12.0)
    assert [door.role_of({"groups": [each]}) for each in ("candor-engineers", "radiology", "x")] == [
        ENGINEER,
        USER,
        NOBODY,
    ]
    assert ".streamlit/secrets.toml" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_docs_name_every_variable_and_event():
    text = (ROOT / "docs" / "security.md").read_text()
    names = [*_ENVIRONMENT, DOOR, AUDIT, *(f"`{event}`" for event in EVENTS)]
    assert [name for name in names if name not in text] == []
