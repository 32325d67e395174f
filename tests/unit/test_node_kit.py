"""The test node itself: golden hashes and reorgs can be relied on."""

import pytest

from node_kit import Anvil

pytestmark = pytest.mark.anvil

ALICE = "0x" + "a1" * 20
BOB = "0x" + "b0" * 20


def script():
    """Every block and transaction hash of a small chain on a node of its own."""
    with Anvil() as node:
        node.fund(ALICE)
        sent = [node.send(ALICE, BOB, 7), node.send(ALICE, BOB, 8)]
        node.mine(2)
        sent.append(node.send(ALICE, BOB, 9))
        node.mine()
        blocks = [node.block(number) for number in range(4)]
    assert [tx["hash"] for block in blocks for tx in block["transactions"]] == sent
    return [block["hash"] for block in blocks] + sent


def test_two_fresh_nodes_make_the_same_hashes():
    """Golden files of a real node are possible."""
    assert script() == script()


def test_a_reorg_replaces_the_last_blocks_only(anvil):
    """After a reorg of depth 2 the last two blocks have new hashes, the one before keeps its own."""
    anvil.mine(3)
    before = [anvil.block(number)["hash"] for number in range(4)]
    anvil.reorg(2)
    after = [anvil.block(number)["hash"] for number in range(4)]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, True, False, False]
