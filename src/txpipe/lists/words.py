"""The words of lists: column names, categories, dates, and text that is safe to show."""

from __future__ import annotations

import datetime as dt
import difflib
import functools
import re
from collections.abc import Sequence

from txpipe.address import canonical

_ROLES: dict[str, str] = {
    "address": """address contractaddress wallet walletaddress account accountaddress addr cryptoaddress
        digitalcurrencyaddress depositaddress contract""",
    "label": """nametag label name entity sdnname etherscantag contracttag tag actor title owner comment
        description notes""",
    "category": """category abuse abusetype etherscanlabels contractcreatoretherscanlabel threat
        threattype""",
    "kind": "type kind",
    "listed": """listed listeddate datelisted partylisteddate dateadded addedat added date createdat
        reporteddate""",
    "delisted": "delisted delisteddate datedelisted removedat dateremoved removed",
    "source": "source sourceurl url reference link announcement",
    "asset": "asset currency symbol coin ticker",
}
"""Roles and the column names that fill them, the preferred first; compared without case and marks.

``kind`` says why an address is listed in some files (ransomware) and what it is in others (contract, EOA): it
counts as a category where it holds a known word for one.
"""

_MEANINGS: dict[str, str] = {
    "sanctions": "sanctions sanction sanctioned sanctioned-entity ofac ofac-sdn sdn",
    "terrorism": "terrorism terrorist terrorist-financing terrorism-financing terror-financing",
    "ransomware": "ransomware ransom",
    "theft": """theft thief heist exploit exploiter hack hacker hacked hacking service-hack stolen
        stolen-funds stolen-coins robbery bridge-exploit bridge-hack""",
    "phishing": """phishing phish phish-hack phisher drainer wallet-drainer approval-phishing ice-phishing
        address-poisoning poisoning""",
    "mixer": "mixer mixers mixing mixing-service tumbler coinjoin",
    "darknet": """darknet darknet-market darknet-marketplace darkweb dark-web darkmarket
        darkweb-market""",
    "scam": """scam scams scammer fraud fake ponzi ponzi-scheme pyramid-scheme giveaway giveaway-scam
        impersonation investment-scam investment-fraud romance-scam romance-baiting pig-butchering
        pump-and-dump rugpull rug-pull honeypot spam spam-token sextortion trust-trading fake-ico
        advance-fee-fraud""",
    "allow": """allow allowed allowlist allow-list whitelist whitelisted known-good benign
        false-positive""",
}
"""Categories and the words that lists have for them.

Sources: Etherscan's label cloud (phish-hack, heist, exploit), the INTERPOL Dark Web and Virtual Assets
Taxonomy of GraphSense TagPacks (service_hack, mixing_service, ponzi_scheme, …), Chainabuse's and
MyEtherWallet's words.
"""

_CATEGORIES = {word: meaning for meaning, said in _MEANINGS.items() for word in said.split()}
_CLOSE = 0.84  # difflib's ratio: one letter of seven; "mining" (0.83 to "mixing") stays a word of its own
_MARKS = re.compile(r"[^a-z0-9]+")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)")
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{2}|\d{4})")
_EPOCH = re.compile(r"(\d{9,10})(?:\d{3})?(?:\.\d+)?")
_JOINERS = "\u200c\u200d"  # part of the spelling of names in Persian and Indic scripts
_NOTHING = frozenset(("", "-", "0", "n/a", "na", "none", "null", "false", "no", "unknown", "undated"))


@functools.lru_cache(maxsize=256)
def roles(names: Sequence[str]) -> dict[str, int]:
    """Say which column fills which role: the first of a role's names that is there.

    Args:
        names: a tuple of column names as the file spells them.

    Returns:
        Positions by role; no ``address`` among them if no column names addresses.
    """
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        places.setdefault(_MARKS.sub("", name.lower()), place)
    found: dict[str, int] = {}
    for role, known in _ROLES.items():
        for name in known.split():
            if name in places:
                found[role] = places[name]
                break
    return found


@functools.lru_cache(maxsize=4096)
def category(text: str) -> str:
    """Return the category that a list's words mean.

    >>> category("phish-hack"), category("Mixing_Service"), category("tax evasion")
    ('phishing', 'mixer', 'tax-evasion')

    Returns:
        Of several words, separated by commas, semicolons or bars, the first that is known; else the first
        as it is, in lower case with dashes; empty for nothing.
    """
    words = _words(text)
    return _first_known(words) or next((word for word in words if word), "")


@functools.lru_cache(maxsize=4096)
def known_category(text: str) -> str:
    """Return the first category that a list's words mean; empty if none of them is known."""
    return _first_known(_words(text))


def meant_category(word: str) -> str:
    """Return the category that an unknown word is a mistyped one of; empty if it is close to none.

    >>> meant_category("sanctins"), meant_category("mining"), meant_category("sanctions")
    ('sanctions', '', '')
    """
    if word in _CATEGORIES:
        return ""
    close = difflib.get_close_matches(word, _CATEGORIES, 1, _CLOSE)
    return _CATEGORIES[close[0]] if close else ""


def _words(text: str) -> list[str]:
    return [_MARKS.sub("-", word.lower()).strip("-") for word in re.split(r"[,;|]", clean(text))]


def _first_known(words: Sequence[str]) -> str:
    return next((_CATEGORIES[word] for word in words if word in _CATEGORIES), "")


def address(text: str) -> str:
    """Return an address as a person or a list spells it in its canonical spelling.

    Only ``0x`` begins hex in records; people's ``0X`` is taken for it.
    """
    found = canonical(text.strip())
    return canonical(f"0x{found[2:]}") if found.startswith("0X") else found


@functools.lru_cache(maxsize=4096)
def day(text: str) -> str | None:
    """Read a date as lists write it.

    ISO dates and times, 20251119, Unix seconds or milliseconds, and day and month with slashes or dots where
    only one order is possible (7/18/17).

    Returns:
        YYYY-MM-DD; empty for words that mean no date; None if it cannot be read or has two readings.
    """
    text = text.strip()
    if text.lower() in _NOTHING:
        return ""
    if match := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
        return _date(int(match[1]), int(match[2]), int(match[3]))
    if match := _SLASHED.fullmatch(text):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        year += 2000 if year < 100 else 0
        either = {_date(year, first, second), _date(year, second, first)} - {None}
        return either.pop() if len(either) == 1 else None
    if match := _EPOCH.fullmatch(text):
        return dt.datetime.fromtimestamp(int(match[1]), dt.UTC).date().isoformat()
    return None


def _date(year: int, month: int, number: int) -> str | None:
    try:
        return dt.date(year, month, number).isoformat()
    except ValueError:
        return None


def clean(text: str, limit: int = 500) -> str:
    """Return text on one line without control and formatting characters, cut to a limit.

    Lists come from strangers and their words end on terminals: no escape sequences, no direction overrides.
    """
    if not text:
        return ""
    text = text[: 4 * limit]
    if not text.isprintable():
        text = "".join(char if char.isprintable() or char in _JOINERS else " " for char in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
