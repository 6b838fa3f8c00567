"""Exit with 0 where a service of the container answers that it is well: healthy.py [URL], by default app or API."""

import sys
import urllib.request
from http.client import HTTPException

ADDRESSES = ("http://127.0.0.1:8501/_stcore/health", "http://127.0.0.1:8600/api/v1/health")  # as start.sh serves them
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def is_well(address: str) -> bool:
    """Return whether the answer is 200, within 4 s: the Containerfile gives both addresses 10 s together."""
    try:
        with _DIRECT.open(address, timeout=4) as answer:
            return answer.status == 200
    except (OSError, HTTPException):
        return False


def status(addresses: list[str]) -> int:
    """Return 0 where one of the addresses is well, else 1; without any, one of app and API."""
    return int(not any(is_well(each) for each in addresses or ADDRESSES))


if __name__ == "__main__":
    sys.exit(status(sys.argv[1:]))
