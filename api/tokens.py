"""Bearer tokens: who may ask, and which of them asked."""

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from pathlib import Path

from explain.audit import LOCAL

TOKENS = "CANDOR_API_TOKENS"  # of the environment: tokens, separated by spaces or commas
ANYBODY = LOCAL  # the user where no tokens are set
SHORTEST = 16  # characters: a shorter token can be guessed

_TOKEN = re.compile(r"[\x21-\x7e]+")


class TokenError(ValueError):
    """Tokens that cannot be used; the sentence says which and what to do."""


def read_tokens(path: Path | None, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the tokens of a file, one a line, and those of the environment; lines that begin with # are left out.

    Raises TokenError on a file that cannot be read or holds none, and on a token that is short or no ASCII.
    """
    found = re.split(r"[\s,]+", environment.get(TOKENS, ""))
    if path is not None:
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
            raise TokenError(
                f"the file of tokens cannot be read ({reason}); give a text file, one token a line"
            ) from None
        lines = [line for line in lines if line and not line.startswith("#")]
        if not lines:
            raise TokenError("the file of tokens holds none; write one token a line")
        found += lines
    tokens = tuple(dict.fromkeys(token for token in found if token))
    for number, token in enumerate(tokens, 1):
        if len(token) < SHORTEST or not _TOKEN.fullmatch(token):
            raise TokenError(
                f"token {number} of {len(tokens)} cannot be used; a token has at least {SHORTEST} ASCII characters and "
                "no spaces (`openssl rand -hex 32` makes one)"
            )
    return tokens


def user_of(header: str, tokens: tuple[str, ...]) -> str | None:
    """Return who sent an Authorization header, None where it holds none of the tokens; ANYBODY where there are none.

    All tokens are compared, each in constant time, so that the time of an answer tells nothing about them.
    """
    if not tokens:
        return ANYBODY
    scheme, _, given = header.partition(" ")
    sent, user = _digest(given.strip()), None
    for token in tokens:
        if hmac.compare_digest(sent, _digest(token)):
            user = f"token {_digest(token).hex()[:16]}"
    return user if scheme.lower() == "bearer" else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
