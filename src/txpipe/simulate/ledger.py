"""The open block: every transaction of the simulator is written here and only here."""

from __future__ import annotations

from collections.abc import Sequence

from txpipe.simulate.assets import Asset

UNLIMITED = 2**256 - 1
ZERO = "0x" + "0" * 40

TRANSFER = "0xa9059cbb"  # transfer(address,uint256), ERC-20
APPROVE = "0x095ea7b3"  # approve(address,uint256), ERC-20
TRANSFER_FROM = "0x23b872dd"  # transferFrom(address,address,uint256), ERC-20
PERMIT = "0xd505accf"  # permit(address,address,uint256,uint256,uint8,bytes32,bytes32), EIP-2612
SAFE_TRANSFER_FROM = "0x42842e0e"  # safeTransferFrom(address,address,uint256), ERC-721
APPROVE_ALL = "0xa22cb465"  # setApprovalForAll(address,bool), ERC-721 and ERC-1155
MINT = "0x1249c58b"  # mint()
DISPERSE = "0xc73a2d60"  # disperseToken(address,address[],uint256[])
SWAP_TOKENS = "0x38ed1739"  # swapExactTokensForTokens(uint256,uint256,address[],address,uint256), Uniswap V2
SWAP_COIN = "0x7ff36ab5"  # swapExactETHForTokens(uint256,address[],address,uint256)
SWAP_BACK = "0x18cbafe5"  # swapExactTokensForETH(uint256,uint256,address[],address,uint256)

Move = tuple[Asset | str, str, str, int]
"""An asset (or the JSON members of an NFT, see ``item``), giver, taker, units."""

Calldata = tuple[str, Sequence[str]]
"""A method and whom the data mentions."""

Written = tuple[str, int, int]
"""The record that tells what a transaction does: hash (without 0x), n, place from the end of what is
written (1 is the last record)."""


class Ledger:
    """Writes transactions into the block that is open.

    Every method that writes a transaction returns the place of the record that tells what it does. Log
    indexes count through the block, as on a real chain. Mentions leave out a call's own sender and contract.
    """

    def __init__(self, chain: str, coin: Asset, wrapped: Asset) -> None:
        """Take the native coin and the token that wraps it one to one for routers."""
        self._chain = chain
        self._coin = coin
        self._wrapped = wrapped
        self.open(0, 0, [])

    def open(self, height: int, time: int, hashes: list[str]) -> None:
        """Start a block; ``hashes`` (64 digits a transaction) is used up from its end."""
        place = f'"chain":"{self._chain}","block":{height},"time":{time},"tx":"0x'
        self._transfer = f'{{"type":"transfer",{place}'
        self._call = f'{{"type":"call",{place}'
        self._approval = f'{{"type":"approval",{place}'
        self._height = height
        self._time = time
        self._next_hash = hashes.pop
        self._parts: list[str] = []
        self._counted = self._lines = 0
        self._add = self._parts.append
        self._log = 0

    def records(self) -> int:
        """Count the records in the open block so far."""
        self._lines += sum(part.count("\n") for part in self._parts[self._counted :])
        self._counted = len(self._parts)
        return self._lines

    def close(self, block_hash: str, parent: str) -> tuple[bytes, int]:
        """End the block with its ``block`` record; returns all its lines in UTF-8 and how many they are."""
        data = "".join(self._parts).encode("latin-1")  # see Asset.head
        records = data.count(b"\n")
        last = (
            f'{{"type":"block","chain":"{self._chain}","block":{self._height},"time":{self._time},'
            f'"hash":"0x{block_hash}","parent":"0x{parent}","records":{records}}}\n'
        )
        return data + last.encode(), records + 1

    def native(self, sender: str, to: str, units: int) -> Written:
        """Send the native coin, without calldata; sending nothing (to cancel a payment) is a bare call."""
        tx = self._next_hash()
        if not units:
            self._add(f'{self._call}{tx}","n":0,"from":"{sender}","to":"{to}","value":"0"}}\n')
            return tx, 0, 1
        coin = self._coin
        self._add(
            f'{self._transfer}{tx}","n":0,"from":"{sender}","to":"{to}",{coin.head}{coin.money(units)}}}\n'
        )
        return tx, 0, 1

    def token(self, token: Asset, sender: str, to: str, units: int) -> Written:
        """Send a token by its own ``transfer``."""
        tx = self._next_hash()
        n = self._log = self._log + 1
        self._add(
            f'{self._call}{tx}","n":0,"from":"{sender}","to":"{token.contract}","value":"0","method":"0xa9059cbb",'
            f'"mentions":["{to}"],"follows":1}}\n'
            f'{self._transfer}{tx}","n":{n},"from":"{sender}","to":"{to}",{token.head}{token.money(units)}}}\n'
        )
        return tx, n, 1

    def pull(self, token: Asset, spender: str, owner: str, to: str, units: int) -> Written:
        """Let a spender move an owner's tokens by ``transferFrom``."""
        mentions = (owner,) if to == spender else (owner, to)
        tx = self._head_call(spender, token.contract, _calldata(TRANSFER_FROM, mentions, 1))
        return self._moved(tx, owner, to, f"{token.head}{token.money(units)}")

    def approve(self, token: Asset, owner: str, spender: str, units: int) -> Written:
        """Let a spender move up to ``units`` of an owner's tokens."""
        tx = self._head_call(owner, token.contract, _calldata(APPROVE, (spender,), 1))
        return self._approved(
            tx, owner, spender, f'{token.head}{token.amount(units)},"scope":"amount","via":"approve"'
        )

    def permit(self, token: Asset, owner: str, spender: str, units: int, sender: str) -> Written:
        """Let somebody show the approval that an owner signed off chain (EIP-2612)."""
        tx = self._head_call(sender, token.contract, _calldata(PERMIT, (owner, spender), 1))
        return self._approved(
            tx, owner, spender, f'{token.head}{token.amount(units)},"scope":"amount","via":"permit"'
        )

    def approve_all(self, collection: str, owner: str, operator: str) -> Written:
        """Let an operator move every token that an owner has in a collection."""
        tx = self._head_call(owner, collection, _calldata(APPROVE_ALL, (operator,), 1))
        asset = f'"asset":"{self._chain}/erc721:{collection}",'
        return self._approved(
            tx, owner, operator, f'{asset}"value":"0","scope":"all","via":"setApprovalForAll"'
        )

    def call(self, sender: str, to: str, method: str, mentions: Sequence[str]) -> Written:
        """Call a contract without value and without a token movement."""
        return self._head_call(sender, to, _calldata(method, mentions, 0)), 0, 1

    def pay_call(self, sender: str, to: str, units: int, method: str, mentions: Sequence[str]) -> Written:
        """Call a contract with value."""
        shown = self._coin.money(units)
        return self._head_value(sender, to, shown, _calldata(method, mentions, 0)), 0, 1

    def failed(self, sender: str, to: str, units: int, method: str, mentions: Sequence[str]) -> Written:
        """Write a transaction that was mined and reverted: it moves nothing."""
        tx = self._next_hash()
        self._add(
            f'{self._call}{tx}","n":0,"from":"{sender}","to":"{to}","value":"{units}"'
            f'{_calldata(method, mentions, 0)},"failed":true}}\n'
        )
        return tx, 0, 1

    def create(self, sender: str, contract: str) -> Written:
        """Deploy a contract."""
        tx = self._next_hash()
        self._add(
            f'{self._call}{tx}","n":0,"from":"{sender}","to":null,"value":"0","created":"{contract}"}}\n'
        )
        return tx, 0, 1

    def nft(self, collection: str, token_id: int, sender: str, to: str) -> Written:
        """Send an ERC-721 token, or mint it (sender ZERO)."""
        if sender == ZERO:
            tx = self._head_call(to, collection, _calldata(MINT, (), 1))
        else:
            tx = self._head_call(sender, collection, _calldata(SAFE_TRANSFER_FROM, (to,), 1))
        return self._moved(tx, sender, to, item(self._chain, collection, token_id))

    def disperse(
        self, token: Asset, sender: str, contract: str, paid: Sequence[tuple[str, int]], telling: int = 0
    ) -> Written:
        """Pay many receivers in one transaction; ``telling`` is the payment whose place comes back."""
        mentions = (token.contract, *(to for to, _ in paid))
        tx = self._head_call(sender, contract, _calldata(DISPERSE, mentions, len(paid)))
        begin, n, same, shown = f'{self._transfer}{tx}","n":', self._log, -1, ""
        for to, units in paid:
            n += 1
            if units != same:
                same, shown = units, f"{token.head}{token.money(units)}}}\n"
            self._add(f'{begin}{n},"from":"{sender}","to":"{to}",{shown}')
        self._log = n
        behind = len(paid) - telling
        return tx, self._log + 1 - behind, behind

    def batch(
        self, sender: str, to: str, calldata: Calldata, moves: Sequence[Move], telling: int = 0
    ) -> Written:
        """Call a contract that moves assets, any number of them, of anyone.

        Args:
            sender: of the transaction.
            to: the contract.
            calldata: its method and whom it mentions.
            moves: what its logs show.
            telling: the move whose place comes back.
        """
        tx = self._head_call(sender, to, _calldata(*calldata, len(moves)))
        for asset, giver, taker, units in moves:
            shown = asset if isinstance(asset, str) else f"{asset.head}{asset.money(units)}"
            self._moved(tx, giver, taker, shown)
        behind = len(moves) - telling
        return tx, self._log + 1 - behind, behind

    def swap(
        self, router: str, pair: str, owner: str, give: tuple[Asset, int], take: tuple[Asset, int]
    ) -> Written:
        """Swap one token for another through a pair."""
        (given, gives), (taken, takes) = give, take
        path = (given.contract, taken.contract)
        tx = self._head_call(owner, router, _calldata(SWAP_TOKENS, path, 2))
        self._moved(tx, owner, pair, f"{given.head}{given.money(gives)}")
        self._moved(tx, pair, owner, f"{taken.head}{taken.money(takes)}")
        self._log += 2  # the pair's own events: Sync, Swap
        return tx, 0, 3

    def swap_coin(self, router: str, pair: str, owner: str, gives: int, take: tuple[Asset, int]) -> Written:
        """Swap native coin for a token: the router wraps it and pays the pair."""
        taken, takes = take
        wrapped = self._wrapped
        calldata = _calldata(SWAP_COIN, (wrapped.contract, taken.contract), 2)
        shown = wrapped.money(gives)
        tx = self._head_value(owner, router, shown, calldata)
        self._log += 1  # Deposit of the wrapping contract
        self._moved(tx, router, pair, f"{wrapped.head}{shown}")
        self._moved(tx, pair, owner, f"{taken.head}{taken.money(takes)}")
        self._log += 2
        return tx, 0, 3

    def swap_back(self, router: str, pair: str, owner: str, give: tuple[Asset, int], takes: int) -> Written:
        """Swap a token for native coin; the payment of the coin itself leaves no log."""
        given, gives = give
        wrapped = self._wrapped
        tx = self._head_call(owner, router, _calldata(SWAP_BACK, (given.contract, wrapped.contract), 2))
        self._moved(tx, owner, pair, f"{given.head}{given.money(gives)}")
        self._moved(tx, pair, router, f"{wrapped.head}{wrapped.money(takes)}")
        self._log += 3
        return tx, 0, 3

    def _head_call(self, sender: str, to: str, calldata: str) -> str:
        tx = self._next_hash()
        self._add(f'{self._call}{tx}","n":0,"from":"{sender}","to":"{to}","value":"0"{calldata}}}\n')
        return tx

    def _head_value(self, sender: str, to: str, shown: str, calldata: str) -> str:
        tx = self._next_hash()
        head = self._coin.head
        self._add(f'{self._transfer}{tx}","n":0,"from":"{sender}","to":"{to}",{head}{shown}{calldata}}}\n')
        return tx

    def _moved(self, tx: str, sender: str, to: str, asset: str) -> Written:
        n = self._log = self._log + 1
        self._add(f'{self._transfer}{tx}","n":{n},"from":"{sender}","to":"{to}",{asset}}}\n')
        return tx, n, 1

    def _approved(self, tx: str, owner: str, spender: str, right: str) -> Written:
        n = self._log = self._log + 1
        self._add(f'{self._approval}{tx}","n":{n},"from":"{owner}","to":"{spender}",{right}}}\n')
        return tx, n, 1


def item(chain: str, collection: str, token_id: int) -> str:
    """Return an ERC-721 token as it stands in a record."""
    return f'"asset":"{chain}/erc721:{collection}/{token_id}","value":"1"'


_COMMA = '","'


def _calldata(method: str, mentions: Sequence[str], follows: int) -> str:
    """Write what the calldata says, after a comma; keys that would be empty are left out."""
    text = f',"method":"{method}"' if method else ""
    if mentions:
        text += f',"mentions":["{_COMMA.join(mentions)}"]'
    return f'{text},"follows":{follows}' if follows else text
