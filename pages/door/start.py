"""What the browser runs before Streamlit: a script of the app's own (`start.js`), named in each page.

Streamlit has no setting for it, and its pages are one file for all addresses: the script is put into that file on its
way out.
"""

from pathlib import Path

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.url_util import make_url_path

SCRIPT = "candor-start.js"

_HEAD = b"<head>"
_DROPPED = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")  # the whole page, as plain text
_SOURCE = (Path(__file__).parent / "start.js").read_bytes()


class Start:
    """The app with the script in its pages. It belongs behind the door."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.address = make_url_path((config.get_option("server.baseUrlPath") or "").strip("/"), SCRIPT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the script itself, with a page that names it, or with what is neither."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
        elif scope["path"] == self.address:
            await Response(_SOURCE, media_type="text/javascript", headers={"Cache-Control": "no-cache"})(
                scope, receive, send
            )
        elif any(name == b"accept" and b"text/html" in value for name, value in scope["headers"]):
            headers = [pair for pair in scope["headers"] if pair[0] not in _DROPPED]
            await self.app({**scope, "headers": headers}, receive, self._named(send))
        else:
            await self.app(scope, receive, send)

    def _named(self, send: Send) -> Send:
        """Return what sends an answer on, an HTML page with the script in its head."""
        begun: Message | None = None
        page = b""

        async def send_named(message: Message) -> None:
            nonlocal begun, page
            if message["type"] == "http.response.start":
                kind = dict(message["headers"]).get(b"content-type", b"")
                if not kind.startswith(b"text/html"):
                    await send(message)
                else:
                    begun = message
            elif begun is None:
                await send(message)
            else:
                page += message.get("body", b"")
                if not message.get("more_body"):
                    body = page.replace(_HEAD, _HEAD + f'<script src="{self.address}"></script>'.encode(), 1)
                    headers = [pair for pair in begun["headers"] if pair[0] not in (b"content-length", b"etag")]
                    await send({**begun, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
                    await send({"type": "http.response.body", "body": body})

        return send_named
