"""Token symbols: odd but honest ones, and imitations of well-known ones."""

from __future__ import annotations

import random

HONEST: tuple[tuple[str, str], ...] = (
    ("USDC.e", "USDC"),
    ("USDT.e", "USDT"),
    ("aEthUSDC", "USDC"),
    ("aUSDC", "USDC"),
    ("axlUSDC", "USDC"),
    ("USD₮0", "USDT"),
    ("crvUSD", "DAI"),
    ("sUSDe", "DAI"),
    ("sDAI", "DAI"),
    ("wstETH", "stETH"),
    ("rETH", "stETH"),
    ("cbBTC", "WBTC"),
    ("LINKPAD", "LINK"),
    ("UNIBOT", "UNI"),
    ("PEPE2", "PEPE"),
    ("SHIB2", "SHIB"),
    ("🐸", "PEPE"),
    ("🚀MOON", "SHIB"),
    ("币安人生", "LINK"),
    ("猫", "PEPE"),
    ("ねこ", "SHIB"),
    ("CAFÉ", "UNI"),
    ("NIÑO", "LINK"),
    ("ΣIGMA", "UNI"),
    ("МИР", "LINK"),
    ("김치", "SHIB"),
    ("€URO", "USDC"),
    ("DAO✨", "UNI"),
)
"""Symbols of honest tokens that contain a known one's or are not ASCII, and a token of about their worth."""

_PREFIXES = ("a", "s", "v", "x", "ax", "crv", "aArb", "st")
_SUFFIXES = (".e", "2", "+", "x", "0", "B", "PAD", "-LP")
_WORDS = ("🌙", "🐶", "💎手", "龙", "さくら", "ÉTÉ", "ΩMEGA", "ЛУНА", "MÜNZE", "용", "✨GLOW", "NOVA")


def honest(rng: random.Random) -> tuple[str, str]:
    """Draw a new token's symbol: derived, in another script, an emoji; and a token of about its worth."""
    bits = rng.getrandbits
    model = ("USDC", "USDT", "DAI", "WETH", "WBTC", "stETH", "LINK", "PEPE")[bits(3)]
    kind = bits(2)
    if kind == 0:
        return _PREFIXES[bits(3)] + model, model
    if kind == 1:
        return model + _SUFFIXES[bits(3)], model
    return _WORDS[bits(8) % len(_WORDS)] + ("", "", "2", "X")[bits(2)], model


# Letters of other scripts that look like Latin ones (Unicode TS 39, confusables).
_CONFUSABLE = {
    "A": "\u0410\u0391",
    "B": "\u0412\u0392",
    "C": "\u0421\u03f9",
    "D": "\u13a0",
    "E": "\u0415\u0395",
    "H": "\u041d\u0397",
    "I": "\u0406\u0399",
    "K": "\u041a\u039a",
    "L": "\u13de",
    "N": "\u039d",
    "P": "\u0420\u03a1",
    "S": "\u0405",
    "T": "\u0422\u03a4",
    "U": "\u054d",
}

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


def imitation(symbol: str, rng: random.Random) -> str:
    """Imitate a symbol: a copy, a letter or more of another script, an invisible character inside."""
    bits = rng.getrandbits
    kind = bits(3)
    if kind < 3:
        return symbol
    places = [place for place, letter in enumerate(symbol) if letter in _CONFUSABLE]
    if kind < 6 and places:
        letters = list(symbol)
        for _ in range(1 + bits(1)):
            place = places[bits(8) % len(places)]
            alike = _CONFUSABLE.get(letters[place], letters[place])
            letters[place] = alike[bits(4) % len(alike)]
        return "".join(letters)
    place = 1 + bits(8) % len(symbol)
    return symbol[:place] + _INVISIBLE[bits(8) % len(_INVISIBLE)] + symbol[place:]
