"""Blocklists and allow-lists: formats, the compiled index, the cache."""
