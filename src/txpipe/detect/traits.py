"""Traits: what can be remarkable about a movement; rules name those they look at."""

from __future__ import annotations

# Traits: what must be true of a movement before a rule looks at it. A rule names those it needs; most
# movements have none, and no rule is called for them. From bit 30 on they are rare: larger integers are slow.

LIKE_SENT = 1 << 0
"""The receiver looks like, but is not, an account that the sender dealt with."""
LIKE_RECEIVED = 1 << 1
"""The sender looks like, but is not, an account that the receiver dealt with."""
DUST = 1 << 2
"""Worth nothing or next to nothing: zero value, less than a dollar, or a token without a known price."""
FORGEABLE = 1 << 3
"""Its token's contract can write such a log in anyone's name: zero value or unknown token, not sent by
``from`` itself. It leaves no mark on either account."""
PULLED = 1 << 4
"""Somebody else than ``from`` sent the transaction."""
APPROVAL = 1 << 5
"""No movement but a right: ``sender`` is the owner, ``receiver`` the spender."""
EMPTIED = 1 << 6
"""It took a good part of what the sender was seen to hold, and its receiver is no contract. Not where it paid
many, where every rule that asks says so (FEW_PAID)."""
DORMANT = 1 << 7
"""The sender had not moved for months."""
BURST = 1 << 8
"""The sender sent several in a row, each soon after the one before, and more so than ever before: the first
eight such movements of a row, every eighth, and, unless HUSHED, every first contact that is no service. Not
of contracts and accounts whose rows were long before, where every rule that asks says so (CALM_N)."""
LARGER = 1 << 9
"""It is larger than anything that the sender sent before, and much larger than what it usually sends."""
FIRST_CONTACT = 1 << 10
"""The sender never paid the receiver before, as far as remembered."""
RETURN = 1 << 11
"""The receiver paid the sender before."""
PASSING = 1 << 12
"""The sender has now sent on most of what it got lately."""
TAINTED = 1 << 13
"""The sender holds funds that come from a listed account, or is one."""
BANDED = 1 << 14
"""Its worth lies in one of the ranges that a rule names as its ``BANDS``: just below a threshold."""
TRADING = 1 << 15
"""Watched by wash-trading: the sender, who deals with few, lately exchanged payments with one of them."""
ITEM = 1 << 16
"""It moves a single item (ERC-721) or a right, not an amount."""
SERVED = 1 << 17
"""The sender or the receiver is a service."""
LISTED = 1 << 18
"""A list names one of the parties: ``listed`` tells."""
MARKET = 1 << 19
"""Watched by wash-trading: the receiver sold a token without a price to whoever called it."""
APPROVED = 1 << 20
"""Watched by approval-phishing: the sender approved somebody who deserves a look."""
PART = 1 << 21
"""The receiver never sent anything, the sender never paid it, and the worth is in ``Bounds.part_usd``."""
GAVE = 1 << 22
"""Watched by cycle: the receiver gave units of a token without a price away."""
RUSHING = 1 << 23
"""Watched by velocity: the sender lately began to send more often than it used to."""
LOADED = 1 << 24
"""Watched by drain: the sender is new and got all that another account held."""
REPAID = 1 << 25
"""Watched by approval-phishing: the receiver approved somebody who deserves a look."""
HUSHED = 1 << 26
"""Watched by velocity: nothing can come of the sender's row, so that of it every eighth is a BURST still."""
EXPOSED = 1 << 27
"""Watched by exposure: the receiver's funds go out in the order in which they came in."""
GIVER = 1 << 28
"""Watched by wash-trading: the receiver gave an item away."""
COLLECTING = 1 << 29
"""Watched by drain: the receiver is new and got a good part of what another account held."""
COUNTERFEIT = 1 << 30
"""Its token's symbol is, or looks like, a well-known token's, and its contract is another."""
AWAKE = 1 << 31
"""Watched by dormant: the sender woke up lately."""
BEYOND = 1 << 32
"""Watched by outlier: the receiver is new and got a payment beyond its sender's habit."""
FUNDED = 1 << 33
"""Watched by mixer: the sender's first funds came from a mixer lately."""
CARRYING = 1 << 34
"""Watched by outlier: the sender is new and got a payment beyond its sender's habit."""
HAULING = 1 << 35
"""Watched by dormant: the sender is new and got most of what a silent account held."""
EVERY = 1 << 40
"""Every movement has it, where a rule asks for it: expressions and rules of a user's own do."""
