"""Connections: a client that is slow with a head, a body that nobody waits for, or an answer is given up.

Uvicorn has a time limit for the pause between two requests, and none for anything else. A request that is no HTTP gets
a problem document.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from api.guard import HEADERS
from api.problems import Problem

HEAD_SECONDS = 10.0  # from the first byte of a head, or from the opening of the connection, to its end
REST_SECONDS = 5.0  # from the end of an answer to the end of the body that it did not wait for
UNREAD_SECONDS = 15.0  # in which a client takes some of its answer; the connection ends after one to two of them

_CAN_ANSWER = (h11.IDLE, h11.SEND_RESPONSE)


class Connection(H11Protocol):
    """One connection of a client."""

    head_timer: asyncio.TimerHandle | None = None
    answer_timer: asyncio.TimerHandle | None = None
    stuck_at: int | None = None  # bytes that the client had taken at the last look; None where no more were waiting

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.access_log = False  # which holds whole paths: a path may hold a name

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for the first head."""
        super().connection_made(_Counted(transport))
        self.head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)
        self._require_progress()

    def data_received(self, data: bytes) -> None:
        """Take some bytes; those of a head that is not whole yet are waited for no longer than others."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_head_timer()
        elif self.head_timer is None:  # uvicorn's own timer for the pause ends with any byte
            self.head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def on_response_complete(self) -> None:
        """Go on to the next request; the rest of a body that was answered before its end is not waited for long."""
        if self.conn.their_state is h11.SEND_BODY:
            self.loop.call_later(REST_SECONDS, self._end_without_rest, self.cycle)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_head_timer()
        self.answer_timer.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, and close the connection; `msg`, of the parser, is not repeated."""
        if self.conn.our_state not in _CAN_ANSWER:  # a body that breaks after its answer
            self.transport.close()
            return
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

    def _stop_head_timer(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _end_without_rest(self, answered: RequestResponseCycle) -> None:
        # Where the rest has come meanwhile, another request may be under way: it has a cycle of its own.
        if self.cycle is answered and self.conn.their_state is h11.SEND_BODY:
            self.transport.close()

    def _require_progress(self) -> None:
        """End a connection whose client takes nothing of what waits for it, and look again later."""
        waiting = self.transport.get_write_buffer_size()
        taken = self.transport.written - waiting if waiting else None
        if waiting and taken == self.stuck_at:
            self.transport.abort()  # `close` would wait until all is taken
            return
        self.stuck_at = taken
        self.answer_timer = self.loop.call_later(UNREAD_SECONDS, self._require_progress)


class _Counted:
    """A transport that counts the bytes that are written to it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport, self.written = transport, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        """Write, as the transport does, and count."""
        self.written += len(data)
        self.transport.write(data)
