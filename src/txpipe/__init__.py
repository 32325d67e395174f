"""Real-time crypto fraud detection as small Unix commands that pass NDJSON through pipes."""

__version__ = "0.1.0"
