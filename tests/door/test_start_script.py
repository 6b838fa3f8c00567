"""The script that runs before Streamlit is in every page of the app, behind the door, and in nothing else."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Route

from pages.door.entrance import middleware_behind
from pages.door.guard import Guard
from pages.door.headers import policy
from pages.door.settings import OPEN, Door
from pages.door.start import SCRIPT, Start

PAGE = "<!DOCTYPE html><html><head><title>Ä</title></head><body>Hello</body></html>"
HTML = {"accept": "text/html,application/xhtml+xml"}


async def page(request):
    assert not {"accept-encoding", "if-none-match", "range"} & set(request.headers)
    return HTMLResponse(PAGE, headers={"ETag": '"1"'})


async def in_parts(_):
    async def parts():
        for place in range(0, len(PAGE), 7):
            yield PAGE[place : place + 7]

    return StreamingResponse(parts(), media_type="text/html")


async def data(_):
    return JSONResponse({"page": "<head>"})


def answer_of(path: str, headers: dict | None = None) -> httpx.Response:
    """What the app answers behind `Start`."""
    app = Start(Starlette(routes=[Route("/", page), Route("/parts", in_parts), Route("/data", data)]))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://candor") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize("path", ["/", "/parts"])
def test_a_page_names_the_script_before_all_else_and_is_otherwise_as_it_was(path):
    answer = answer_of(path, headers=HTML | {"If-None-Match": '"1"', "Range": "bytes=0-3"})
    named = f'<head><script src="/{SCRIPT}"></script>'
    assert answer.text == PAGE.replace("<head>", named) and "etag" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_what_is_no_page_passes_untouched():
    assert answer_of("/data", headers=HTML).json() == {"page": "<head>"}
    assert answer_of("/data").json() == {"page": "<head>"}


def test_the_script_is_served_as_a_script_that_the_policy_allows():
    answer = answer_of(f"/{SCRIPT}")
    assert answer.headers["content-type"].startswith("text/javascript") and "candorTheme" in answer.text
    assert "script-src 'self'" in policy()


def test_the_door_stands_before_it():
    assert [each.cls for each in middleware_behind(Door(OPEN))] == [Guard, Start]
