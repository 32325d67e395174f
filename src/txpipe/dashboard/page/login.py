"""The page to log in at: plain HTML, for who is not in yet gets nothing else."""

from __future__ import annotations

import base64
import hashlib

from fastapi import FastAPI
from fastapi.responses import Response

from txpipe.dashboard.board import Board

_SCRIPT = """
document.forms[0].addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = document.getElementById("said");
  const {name, password} = event.target.elements;
  try {
    const answer = await fetch("/api/v1/login", {
      method: "POST",
      headers: {"content-type": "application/json"},
      body: JSON.stringify({name: name.value, password: password.value}),
    });
    if (answer.ok) location.replace("/");
    else said.textContent = (await answer.json()).error;
  } catch {
    said.textContent = "The server does not answer.";
  }
});
"""
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { display: grid; place-items: center; min-height: 100vh; margin: 0; }
form { display: grid; gap: .75rem; width: min(20rem, 90vw); }
h1 { font-size: 1.25rem; margin: 0; }
label { display: grid; gap: .25rem; }
input, button { font: inherit; padding: .5rem .6rem; border-radius: 6px; border: 1px solid #808a99; }
button { background: #1f5fd0; color: #fff; border-color: #1f5fd0; cursor: pointer; }
#said { min-height: 1.5em; margin: 0; }
"""
_PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Log in · txdash</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>
<body><main><form><h1>txdash</h1>
<label>Name <input name="name" autocomplete="username" required maxlength="64" autofocus></label>
<label>Password
<input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
<button>Log in</button><p id="said" role="alert"></p></form></main>
<script>{_SCRIPT}</script></body></html>"""
_NOBODY = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Log in · txdash</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>txdash</h1><p>Tokens are for programs. For people, start txdash with --users FILE.</p></main>
</body></html>"""


def _hashed(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


_POLICY = (
    f"default-src 'none'; script-src 'sha256-{_hashed(_SCRIPT)}'; style-src 'sha256-{_hashed(_STYLE)}'; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def add(app: FastAPI, board: Board) -> None:
    """Add the page."""

    def log_in() -> Response:
        body = _PAGE if board.access.users or board.access.is_open else _NOBODY
        headers = {"content-security-policy": _POLICY, "cache-control": "no-store"}
        return Response(body, headers=headers, media_type="text/html; charset=utf-8")

    app.add_api_route("/login", log_in, include_in_schema=False)
