"""The two pages that the door answers with itself, without Streamlit: sign in, and no role."""

from html import escape

from starlette.responses import HTMLResponse

from explain.explanation import NOT_FOR_DIAGNOSIS

_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_PAGE = """<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Candor</title><link rel="icon" href="data:,"><style>
:root {{ color-scheme: light dark; --back: #f7f6f2; --text: #22262a; --blue: #2c6e84; --on: #ffffff }}
@media (prefers-color-scheme: dark) {{
  :root {{ --back: #0d0e10; --text: #d2d6da; --blue: #7fb3c4; --on: #0d0e10 }}
}}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif }}
main {{ max-width: 28rem; padding: 1.5rem }}
h1 {{ font-size: 1.7rem; font-weight: 600; color: var(--blue); margin: 0 0 1rem }}
a {{ display: inline-block; margin: .5rem 0 1.5rem; padding: .5rem 1.25rem; border-radius: 4px;
  background: var(--blue); color: var(--on); text-decoration: none; font-weight: 600 }}
a:focus-visible {{ outline: 3px solid var(--text); outline-offset: 2px }}
small {{ display: block; opacity: .8 }}
</style></head><body><main><h1>Candor</h1><p>{text}</p>{link}
<small>Candor is a research and teaching tool, not a medical device. {note}</small></main></body></html>
"""


def sign_in_page(address: str) -> HTMLResponse:
    """Return the page that leads to the provider of the login by the link `address`, "" where a proxy has it."""
    if not address:
        return _page("Candor is reached through your hospital’s proxy, which signs you in; open that.", "", "", 401)
    return _page("Sign in with your hospital’s account to use Candor.", "Sign in", address, 401)


def no_role_page(name: str, address: str) -> HTMLResponse:
    """Return the page for somebody who is signed in and has no role; the link `address` signs out, "" for none."""
    text = (
        f"You are signed in as {name}, and this account may not use Candor. Ask whoever runs Candor here for the role "
        "of a user or an engineer."
    )
    return _page(text, "Sign out" if address else "", address, 403)


def _page(text: str, label: str, address: str, status: int) -> HTMLResponse:
    link = f'<a href="{escape(address)}">{label}</a>' if label else ""
    content = _PAGE.format(text=escape(text), link=link, note=escape(NOT_FOR_DIAGNOSIS))
    return HTMLResponse(content, status, {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})
