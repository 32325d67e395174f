"""The page to log in at: plain HTML, for who is not in yet gets nothing else."""

from __future__ import annotations

import base64
import hashlib

from fastapi import FastAPI
from fastapi.responses import RedirectResponse, Response

from txpipe.dashboard.board import Board
from txpipe.dashboard.page.frame import STATIC

_SCRIPT = (STATIC / "login.js").read_text(encoding="utf-8")
_STYLE = (STATIC / "login.css").read_text(encoding="utf-8")
_HEAD = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Log in · txdash</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><style>{_STYLE}</style></head>
<body><main><h1>txdash</h1>"""
# POST, so that a browser whose script fails cannot put a secret into an address; the policy lets no form out.
_TWO_FIELDS = """
<form method="post" aria-label="Log in by name"><h2>Log in</h2>
<label>Name <input name="name" autocomplete="username" required maxlength="64" autofocus></label>
<label>Password
<input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
<button>Log in</button><p role="alert"></p></form>"""
_ONE_FIELD = """
<form method="post" aria-label="Log in by token"><h2>Log in with a token</h2>
<p>The one that txdash was started with (TXDASH_TOKEN or TXDASH_VIEWER_TOKEN).</p>
<label>Token
<input name="token" type="password" autocomplete="off" spellcheck="false" required maxlength="1024"></label>
<button>Log in</button><p role="alert"></p></form>"""
_TAIL = f"</main><script>{_SCRIPT}</script></body></html>"


def _hashed(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


_POLICY = (
    f"default-src 'none'; script-src 'sha256-{_hashed(_SCRIPT)}'; style-src 'sha256-{_hashed(_STYLE)}'; "
    "img-src data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def add(app: FastAPI, board: Board) -> None:
    """Add the page; where nobody is asked who they are it leads on."""

    def log_in() -> Response:
        access = board.access
        if access.is_open:
            return RedirectResponse("/", 303)
        forms = _TWO_FIELDS * bool(access.users) + _ONE_FIELD * bool(access.tokens)
        headers = {"content-security-policy": _POLICY, "cache-control": "no-store"}
        return Response(f"{_HEAD}{forms}{_TAIL}", headers=headers, media_type="text/html; charset=utf-8")

    app.add_api_route("/login", log_in, include_in_schema=False)
