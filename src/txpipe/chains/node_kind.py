"""Which kind of node one is: of Bitcoin Core's, or of an EVM chain's."""

from __future__ import annotations

from txpipe.chains.endpoint import NodeDenied, NodeFailed
from txpipe.chains.model import block_hash
from txpipe.chains.rpc import Node, RpcFault
from txpipe.errors import RecordFault


def is_core(node: Node) -> bool:
    """Say whether a node speaks as Bitcoin Core does, else as an EVM node.

    Raises:
        NodeFailed: it does not answer, or as neither of them.
    """
    try:
        node.call("eth_chainId")
    except (RpcFault, NodeDenied) as exc:
        try:
            hash_at(node, 0)
        except NodeFailed:
            raise exc from None
        return True
    return False


def hash_at(node: Node, height: int) -> str:
    """Ask a node of Bitcoin Core's kind for a block's hash.

    Raises:
        NodeFailed: it has none.
    """
    try:
        named = block_hash(node.call("getblockhash", height), f"the hash of block {height:,}")
    except RecordFault as exc:
        raise node.failed(exc) from exc
    if named is None or named.startswith("0x"):
        raise NodeFailed(f"{node.name}: it does not know block {height:,}")
    return named
