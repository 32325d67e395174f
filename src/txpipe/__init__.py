"""Real-time crypto fraud detection as small Unix commands that pass NDJSON through pipes."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's, whose import takes longer than all before a command heeds Ctrl-C
if TYPE_CHECKING:
    from typing import Any

    from txpipe.detector import Detector

__version__ = "0.1.0"
__all__ = ["Detector", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the detector on first use: commands that do not detect start without it."""
    if name == "Detector":
        from txpipe.detector import Detector  # noqa: PLC0415 - see above

        return Detector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
