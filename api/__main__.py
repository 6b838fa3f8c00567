"""python -m api: serve the HTTP API on this machine, or with tokens on others."""

import argparse
import asyncio
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn

from api import ROOT
from api.limits import lanes_of_the_api
from api.protocol import Connection
from api.server import make_app
from api.service import LOCAL, Service
from api.tokens import TOKENS, TokenError, read_tokens
from explain.arguments import add_engine_flags, started_engine
from explain.audit import AUDIT, AuditError, keep_in
from explain.engine import EngineError

PORT = 8600
ANYWHERE = ("0.0.0.0", "::")

_LEFT = 5  # seconds that requests have to end once the server is stopped


class AddressError(Exception):
    """An address that cannot be served; the sentence says why and what to do."""


class _Server(uvicorn.Server):
    """Says where it is once it listens."""

    async def startup(self, sockets: list[socket.socket]) -> None:
        port = sockets[0].getsockname()[1]
        try:
            await super().startup(sockets)
        except OSError as error:  # somebody else bound the port as well, and listened first
            await self.lifespan.shutdown()
            raise _unusable(self.config.host, port, error) from None
        print(f"Candor's API: http://{_named(self.config.host)}:{port}{ROOT}/docs", file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns 0 once the server is stopped, 2 where it may not or cannot start."""
    options = _parser().parse_args(arguments)
    try:
        tokens = read_tokens(options.tokens)
        require_tokens(options.host, tokens)
        keep_in(options.audit)
        with _bound(options.host, options.port) as sockets, started_engine(options, lanes=lanes_of_the_api()) as engine:
            return _serve(Service(tokens=tokens, hosts=_hosts(options), engine=engine), options, sockets)
    except (TokenError, AuditError, AddressError, EngineError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # uvicorn raises it once the server is stopped
        return 0


def _hosts(options: argparse.Namespace) -> tuple[str, ...]:
    own = () if options.host in ANYWHERE else (options.host.lower(),)
    return tuple(dict.fromkeys([*LOCAL, *own, *(name.lower() for name in options.allow_host)]))


def _serve(service: Service, options: argparse.Namespace, sockets: list[socket.socket]) -> int:
    _log_to_stderr()
    server = _Server(config_of(service, options.host, options.port))
    with suppress(SystemExit):  # uvicorn's, with a status of its own; what failed is in the log
        server.run(sockets)
    return 0 if server.started else 2


@contextmanager
def _bound(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Give sockets bound to each address of a host, which do not listen yet. Raises AddressError."""

    async def bind() -> list[socket.socket]:
        loop = asyncio.get_running_loop()
        async with await loop.create_server(asyncio.Protocol, host, port, start_serving=False) as server:
            return [each.dup() for each in server.sockets]

    try:
        sockets = asyncio.run(bind())
    except (OSError, OverflowError) as error:
        raise _unusable(host, port, error) from None
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()


def _unusable(host: str, port: int, error: OSError | OverflowError) -> AddressError:
    reason = str(getattr(error, "strerror", error)).rpartition(": ")[2].rstrip(".")
    return AddressError(
        f"port {port} of {host} cannot be served ({reason}); stop the program that uses it, or choose another with "
        "--port N or --host ADDRESS"
    )


def config_of(service: Service, host: str, port: int) -> uvicorn.Config:
    """Return how uvicorn serves the app: without its own log, which holds paths and tracebacks, and without proxies."""
    return uvicorn.Config(
        make_app(service),
        host=host,
        port=port,
        http=Connection,
        ws="none",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_LEFT,
    )


def require_tokens(host: str, tokens: tuple[str, ...]) -> None:
    """Raise TokenError where others could reach the address and no token is set."""
    if tokens or _only_this_machine(host):
        return
    raise TokenError(
        f"other machines can reach {host}, and no token is set; write tokens to a file, one a line, and add --tokens "
        f"FILE (or set {TOKENS}), or leave --host out to serve this machine alone"
    )


def _only_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _named(host: str) -> str:
    return f"[{host}]" if ":" in host else "localhost" if host in ANYWHERE else host


class _NoTraceback(logging.Formatter):
    """One line, without the traceback and the message of an exception, which may hold a patient's name."""

    def format(self, record: logging.LogRecord) -> str:
        record.exc_info = record.exc_text = record.stack_info = None
        return super().format(record).partition("\n")[0]  # what asyncio adds in further lines holds messages, too


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_NoTraceback("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger("candor").setLevel(logging.INFO)
    for name, level in (("candor", logging.INFO), ("uvicorn", logging.ERROR), ("asyncio", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m api", description=__doc__)
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="default: %(default)s, this machine alone"
    )
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a name that clients call it by; repeatable"
    )
    parser.add_argument(
        "--tokens", type=Path, metavar="FILE", help=f"bearer tokens, one a line; ${TOKENS} may hold more"
    )
    parser.add_argument(
        "--audit",
        default=os.environ.get(AUDIT),
        metavar="DIR",
        help=f"keep the audit log in this folder; default: ${AUDIT}",
    )
    add_engine_flags(parser)
    return parser


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # not sys.exit: a thread that is loading a model would abort the process at the interpreter's end
