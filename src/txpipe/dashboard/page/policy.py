"""The page's Content-Security-Policy: scripts of ours only, nothing from elsewhere.

NiceGUI's template has scripts in it, and Vue compiles templates in the browser; so each page gets a nonce,
and eval is allowed. Styles may be inline. Whatever markup came in by data would still run nothing.
"""

from __future__ import annotations

import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAGE = (b"x-nicegui-content", b"page")
_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class Policy:
    """Gives pages their policy, and the scripts of the template the nonce that it asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no page; the pages with a header more."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started: Message | None = None
        body = bytearray()

        async def sent(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start" and _PAGE in message["headers"]:
                started = message
            elif started is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    await _send_page(started, bytes(body), send)

        await self._app(scope, receive, sent)


async def _send_page(start: Message, body: bytes, send: Send) -> None:
    nonce = secrets.token_urlsafe(16)
    # Data cannot hold such a tag: NiceGUI writes < as &lt; in the one place that data goes to.
    body = body.replace(b"<script", b'<script nonce="%b"' % nonce.encode())
    headers = [each for each in start["headers"] if each[0].lower() != b"content-length"]
    headers += [
        (b"content-length", str(len(body)).encode()),
        (b"content-security-policy", _POLICY.format(nonce=nonce).encode()),
    ]
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": body})
