"""Which chain a dump is of: what the user says, else what the data says, else the main one with a notice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from txpipe.errors import RecordFault, UsageFault

ETHEREUM = "eip155:1"

# CAIP-4: the first 32 hex digits of the genesis block's hash (chainparams of Bitcoin Core and Litecoin Core).
BITCOIN = "bip122:000000000019d6689c085ae165831e93"
BITCOIN_TESTNET = "bip122:000000000933ea01ad0ee984209779ba"
BITCOIN_REGTEST = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"
LITECOIN = "bip122:12a765e31ffd4059bada1e25190f6e98"
LITECOIN_TESTNET = "bip122:4966625a4b2851d9fdee139e56211a0d"
LITECOIN_REGTEST = "bip122:530827f38f93b43ed12af0b3ad25a288"

# Human-readable parts of bech32 addresses (SLIP-173). "tb" is shared by testnet 3, testnet 4 and signet.
_BY_PREFIX = {
    "bc1": BITCOIN,
    "tb1": BITCOIN_TESTNET,
    "bcrt1": BITCOIN_REGTEST,
    "ltc1": LITECOIN,
    "tltc1": LITECOIN_TESTNET,
    "rltc1": LITECOIN_REGTEST,
}
_prefix = re.compile(r"[a-z]{2,4}1").match
_caip2 = re.compile(r"(eip155:[1-9][0-9]{0,31}|bip122:[0-9a-f]{32})").fullmatch

# SLIP-44 coin types; 1 is every coin's test network.
_COIN_TYPE = {
    BITCOIN: 0,
    LITECOIN: 2,
    "bip122:1a91e3dace36e2be3bf030a65679fe82": 3,  # Dogecoin
    "bip122:00000ffd590b1485b3caadc19b22e637": 5,  # Dash
    "bip122:00040fe8ec8471911baa1db1266ea15d": 133,  # Zcash
    "bip122:000000000000000000651ef99cb9fcbe": 145,  # Bitcoin Cash, named after its fork's block
    BITCOIN_TESTNET: 1,
    BITCOIN_REGTEST: 1,
    LITECOIN_TESTNET: 1,
    LITECOIN_REGTEST: 1,
}


def coin(chain: str) -> str:
    """Return the asset (CAIP-19) of a UTXO chain's coin; that of a chain not known here counts as coin 0."""
    return f"{chain}/slip44:{_COIN_TYPE.get(chain, 0)}"


class ChainOf:
    """Decides the chain of one block after the other.

    Args:
        given: what the user says (CAIP-2), or None.
        notice: takes one message for people; a guess is said once.

    Raises:
        UsageFault: ``given`` is no chain.
    """

    def __init__(self, given: str | None, notice: Callable[[str], None]) -> None:
        if given is not None and not _caip2(given):
            raise UsageFault(f"--chain {given}: not eip155:N or bip122: with 32 hex digits (CAIP-2)")
        self._given = given
        self._notice = notice
        self._told: dict[tuple[str, str], str] = {}  # by family and input: what its data said last
        self._noticed: set[str] = set()

    def evm(self, said: Iterable[str | None], inputs: Iterable[str]) -> str:
        """Return the chain of an EVM block.

        Args:
            said: the chains that its parts name.
            inputs: where its parts came from; one that names no chain is of the one that these named last.

        Raises:
            RecordFault: its parts, or its inputs, contradict one another or the user.
        """
        names = sorted({name for name in said if name})
        if len(names) > 1:
            raise RecordFault(f"its transactions name several chains: {', '.join(names[:4])}")
        told = names[0] if names else None
        return self._decide("eip155", told, inputs, ETHEREUM, "the data names no chain")

    def utxo(self, addresses: Iterable[str | None], inputs: Iterable[str]) -> str:
        """Return the chain of a UTXO block, told by its first bech32 address or Litecoin's ``L``.

        Raises:
            RecordFault: the addresses contradict the user.
        """
        for address in addresses:
            if address is None:
                continue
            match = _prefix(address)
            name = _BY_PREFIX.get(match[0]) if match else LITECOIN if address[0] == "L" else None
            if name and (name != BITCOIN_TESTNET or self._given is None):
                if self._given is None and name != BITCOIN:
                    self._once(f"taken as {name}, as addresses like {address} say; --chain says otherwise")
                return self._decide("bip122", name, inputs, BITCOIN, "")
        return self._decide("bip122", None, inputs, BITCOIN, "no address tells the chain")

    def _decide(self, family: str, said: str | None, inputs: Iterable[str], default: str, why: str) -> str:
        given = self._given
        if given is not None and not given.startswith(family):
            raise RecordFault(f"it is of a {family} chain, --chain says {given}")
        if given is not None and said not in (None, given):
            raise RecordFault(f"it is of chain {said}, --chain says {given}")
        if given is not None:
            return given
        places = [(family, name) for name in inputs]
        if said is None:
            said = self._learnt(places)
        if said is None:
            self._once(f"{why}: taken as {default}; --chain says otherwise")
            return default
        self._told.update(dict.fromkeys(places, said))
        return said

    def _learnt(self, places: list[tuple[str, str]]) -> str | None:
        """Return what these inputs said before, for a block of theirs that says nothing."""
        learnt = {self._told[place] for place in places if place in self._told}
        if len(learnt) > 1:
            raise RecordFault(f"its inputs are of several chains: {', '.join(sorted(learnt)[:4])}")
        return next(iter(learnt), None)

    def _once(self, message: str) -> None:
        guess = message.partition(",")[0]
        if guess not in self._noticed:
            self._noticed.add(guess)
            self._notice(message)
