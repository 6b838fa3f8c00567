"""python -m api: serve the HTTP API on this machine, or with tokens on others."""

import argparse
import ipaddress
import logging
import os
import sys
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


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Returns 0 once the server is stopped, 2 where it may not or cannot start."""
    options = _parser().parse_args(arguments)
    try:
        tokens = read_tokens(options.tokens)
        require_tokens(options.host, tokens)
        keep_in(options.audit)
        with started_engine(options, lanes=lanes_of_the_api()) as engine:
            return _serve(Service(tokens=tokens, hosts=_hosts(options), engine=engine), options)
    except (TokenError, AuditError, EngineError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _hosts(options: argparse.Namespace) -> tuple[str, ...]:
    own = () if options.host in ANYWHERE else (options.host.lower(),)
    return tuple(dict.fromkeys([*LOCAL, *own, *(name.lower() for name in options.allow_host)]))


def _serve(service: Service, options: argparse.Namespace) -> int:
    _log_to_stderr()
    server = uvicorn.Server(config_of(service, options.host, options.port))
    print(f"Candor's API: http://{_named(options.host)}:{options.port}{ROOT}/docs", file=sys.stderr)
    server.run()
    return 0 if server.started else 2


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
    """Lines without the traceback and the message of an exception, which may hold a patient's name."""

    def format(self, record: logging.LogRecord) -> str:
        record.exc_info = record.exc_text = record.stack_info = None
        return super().format(record)


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_NoTraceback("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger("candor").setLevel(logging.INFO)
    for name, level in (("candor", logging.INFO), ("uvicorn", logging.ERROR)):
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
    sys.exit(main())
