"""Where a store is: a file, or a server's URL, which messages show without what it keeps secret."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_url(where: str) -> bool:
    """Tell a database server's URL from a file's path."""
    return "://" in where


def without_secrets(url: str) -> str:
    """Return scheme, host, port and database of a URL."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return f"{url.partition('://')[0]}://"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
