"""Connections: a head that comes too slowly is given up, and a request that is no HTTP gets a problem document.

Uvicorn has a time limit for the pause between two requests, and none for the head of one.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.guard import HEADERS
from api.problems import Problem

HEAD_SECONDS = 10.0  # from the first byte of a head, or from the opening of the connection, to its end


class Connection(H11Protocol):
    """One connection of a client."""

    head_timer: asyncio.TimerHandle | None = None

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.access_log = False  # which holds whole paths: a path may hold a name

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self.head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Take some bytes; those of a head that is not whole yet are waited for no longer than others."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_timer()
        elif self.head_timer is None and self.conn.trailing_data[0]:
            self.head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_timer()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, and close the connection; `msg`, of the parser, is not repeated."""
        answer = Problem(400, "This is no HTTP request that can be read; send HTTP/1.1.").response()
        headers = {name.lower(): value for name, value in HEADERS.items()} | {"connection": "close"}
        raw = [*answer.raw_headers, *((name.encode(), value.encode()) for name, value in headers.items())]
        for event in (
            h11.Response(status_code=400, headers=raw, reason=b"Bad Request"),
            h11.Data(data=answer.body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()

    def _give_up(self) -> None:
        self.head_timer = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()

    def _stop_timer(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None
