"""Words of ABI-encoded bytes (Solidity ABI specification); None for what is not there or does not fit."""

from __future__ import annotations

_PADDING = bytes(12)


def number_at(data: bytes, word: int) -> int | None:
    """Read the word at an index as a whole number."""
    start = 32 * word
    return int.from_bytes(data[start : start + 32], "big") if len(data) >= start + 32 else None


def party(word: bytes) -> str | None:
    """Read a word of 32 bytes as an address."""
    return f"0x{word[12:].hex()}" if len(word) == 32 and word[:12] == _PADDING else None


def party_at(data: bytes, word: int) -> str | None:
    """Read the word at an index as an address."""
    return party(data[32 * word : 32 * word + 32])


def masked_party_at(data: bytes, word: int) -> str | None:
    """Read the low 20 bytes of the word at an index as an address, whatever stands above them.

    Contracts compiled with Solidity before 0.5 (USDT) ignore the upper 12 bytes of an address argument.
    """
    found = data[32 * word : 32 * word + 32]
    return f"0x{found[12:].hex()}" if len(found) == 32 else None


def word_count(data: bytes, place: int) -> int:
    """Count the whole words behind a length word at a byte offset."""
    return max(0, len(data) - place - 32) // 32


def array(data: bytes, word: int) -> list[int] | None:
    """Read the dynamic array of numbers whose offset stands at a word index; its length is checked first."""
    place = number_at(data, word)
    if place is None or place + 32 > len(data):
        return None
    length = int.from_bytes(data[place : place + 32], "big")
    if length > word_count(data, place):
        return None
    start = place + 32
    return [int.from_bytes(data[at : at + 32], "big") for at in range(start, start + 32 * length, 32)]


def text_at_start(data: bytes) -> bytes | None:
    """Read what a function returns that returns one text: a string, or bytes32 as old tokens have it."""
    if len(data) == 32:
        return data.rstrip(b"\0")
    place = number_at(data, 0)
    if place is None or place > len(data) - 32:
        return None
    length = int.from_bytes(data[place : place + 32], "big")
    start = place + 32
    return data[start : start + length] if length <= len(data) - start else None
