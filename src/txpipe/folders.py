"""Where commands keep what they can make again."""

from __future__ import annotations

import os
from pathlib import Path


def default_cache() -> Path:
    """Return the folder of compiled lists and token names: $XDG_CACHE_HOME/txpipe, else ~/.cache/txpipe."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    if Path(home).is_absolute():
        return Path(home) / "txpipe"
    try:
        return Path.home() / ".cache" / "txpipe"
    except RuntimeError:  # an account without a home; no folder can be made here, and that is said
        return Path(os.devnull) / "txpipe"
