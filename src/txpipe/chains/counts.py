"""What txtail counts, for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from txpipe.chains.signs import Signs
from txpipe.metrics import Metric, count, gauge

if TYPE_CHECKING:
    from txpipe.chains.node_chain import NodeChain


def of_signs(signs: Signs, now: float) -> Iterator[Metric]:
    """Yield what was written, and how far it is.

    Args:
        signs: takes what is written.
        now: Unix seconds.
    """
    counts, follower = signs.counts, signs.follower
    yield count("blocks_total", "Blocks written.", counts.blocks)
    yield count("records_total", "Records of blocks written.", counts.records)
    yield count("pending_records_total", "Records of pending transactions written.", counts.pending)
    yield count("reorgs_total", "Reorgs that were followed.", counts.reorgs)
    yield count("dropped_blocks_total", "Blocks that reorgs took back.", counts.dropped)
    yield count("blind_total", "Times that no node answered.", counts.blind)
    yield gauge("blind", "Whether no node answers now.", signs.is_blind)
    head = None if follower is None else follower.head
    if head is not None:
        yield gauge("head_block", "Height of the newest block that a node told of.", head.height)
        yield gauge("head_time_seconds", "Unix time of that.", head.time)
        yield gauge("lag_seconds", "How long ago that was.", max(0.0, now - head.time))
    last = signs.last()
    if last is not None:
        yield gauge("block", "Height of the last block written.", last)
        if head is not None:
            yield gauge("lag_blocks", "Blocks that are not written yet.", max(0, head.height - last))


def of_chain(chain: NodeChain) -> Iterator[Metric]:
    """Yield what could not be made records of, and how nodes answer, by what may be shown of their URLs."""
    yield count("faults_total", "Blocks and transactions without records.", chain.faults)
    nodes = chain.nodes
    errors: Counter[tuple[str, ...]] = Counter()
    preferred: Counter[tuple[str, ...]] = Counter()
    for name, failures, is_preferred in nodes.standing():
        errors[name,] += failures
        preferred[name,] |= is_preferred
    yield Metric("rpc_errors_total", "Questions that a node did not answer.", errors, ("node",))
    yield Metric("rpc_preferred", "Whether a node is asked first.", preferred, ("node",), "gauge")
    yield count("rpc_rotations_total", "Times that another node was asked first.", nodes.rotations)
