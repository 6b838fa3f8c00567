"""Connections of open tabs, each of which ends with the login that opened it."""

import asyncio
from collections import defaultdict

from starlette.types import Message, Receive, Send

Login = tuple[str, float]  # subject, and when they signed in


class Tabs:
    """The open connections by login; used from the thread of the server's event loop alone."""

    def __init__(self) -> None:
        self._over: dict[Login, set[asyncio.Event]] = defaultdict(set)

    def open(self, login: Login, seconds: float | None) -> asyncio.Event:
        """Return what is set once this connection has to end: by `end`, or after some seconds; None for no limit."""
        over = asyncio.Event()
        self._over[login].add(over)
        if seconds is not None:
            asyncio.get_running_loop().call_later(max(0.0, seconds), over.set)
        return over

    def close(self, login: Login, over: asyncio.Event) -> None:
        """Forget a connection that has ended."""
        self._over[login].discard(over)
        if not self._over[login]:
            del self._over[login]

    def end(self, login: Login) -> None:
        """Let all connections of a login end."""
        for over in self._over.get(login, ()):
            over.set()


def ending(receive: Receive, send: Send, over: asyncio.Event) -> tuple[Receive, Send]:
    """Return the two ends of a connection that closes once `over` is set; the app behind it sees a browser leave."""

    async def receive_until_over() -> Message:
        asked, ended = asyncio.ensure_future(receive()), asyncio.ensure_future(over.wait())
        try:
            await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                return asked.result()
        finally:
            asked.cancel()
            ended.cancel()
        await send({"type": "websocket.close", "code": 1008})
        return {"type": "websocket.disconnect", "code": 1008}

    async def send_until_over(message: Message) -> None:
        if not over.is_set():
            await send(message)

    return receive_until_over, send_until_over
