"""What every answer of the app carries for the browser: what it may load, run, and be framed in."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

import streamlit

from pages.door.settings import Door

_COOKIES = (b"_streamlit_",)  # how the names of Streamlit's cookies begin

_FIXED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_YEAR = 31_536_000  # seconds


@cache
def policy() -> str:
    """Return the Content-Security-Policy that Streamlit works under: nothing is loaded from or sent elsewhere.

    The page's own script is allowed by its hash, and no other inline script is. Streamlit sets styles in its elements;
    its components are scripts from blobs that it makes.
    """
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    inline = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = " ".join(f"'sha256-{_base64_digest(each)}'" for each in inline)
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' blob: 'wasm-unsafe-eval' {hashes}".rstrip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' blob:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def _base64_digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def headers_of(door: Door, path: str) -> dict[str, str]:
    """Return the headers of an answer; `path` begins behind the app's base address."""
    found = {"Content-Security-Policy": policy()} | _FIXED
    if door.origin.startswith("https:"):
        found["Strict-Transport-Security"] = f"max-age={_YEAR}"
    if path.startswith("/media/"):
        found["Cache-Control"] = "private, no-store"  # pictures of patients
    return found


def secured(door: Door, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with Streamlit's cookies marked for HTTPS alone, where browsers come by HTTPS."""
    if not door.origin.startswith("https:"):
        return headers
    return [
        (name, value + b"; Secure")
        if name.lower() == b"set-cookie" and value.startswith(_COOKIES) and b"secure" not in value.lower()
        else (name, value)
        for name, value in headers
    ]
