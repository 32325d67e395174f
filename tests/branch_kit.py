"""A chain in memory that grows and is reorganised, for the tests of following one."""

from txpipe.chains.follow import Block, Head


class Chain:
    """A chain in memory: a list of branch names, one a block; what is below a height keeps its hash."""

    is_live = False

    def __init__(self, length=1):
        self.branches = ["a"] * length
        self.asked = []

    def hash_at(self, height):
        if not 0 <= height < len(self.branches):
            return None
        return f"{'.'.join(self.branches[: height + 1])[-40:]}/{height}"

    def head(self):
        top = len(self.branches) - 1
        return Head(top, self.hash_at(top), 12 * top)

    def blocks(self, first, last):
        self.asked.append((first, last))
        return [self._block(height) for height in range(first, min(last, len(self.branches) - 1) + 1)]

    def _block(self, height):
        own, parent = self.hash_at(height), self.hash_at(height - 1) or "none"
        return Block(height, own, parent, 12 * height, (f"tx {own}",), own.encode(), 1)

    def grow(self, count, branch="a"):
        self.branches += [branch] * count

    def reorg(self, depth, branch, count=None):
        del self.branches[len(self.branches) - depth :]
        self.grow(depth if count is None else count, branch)
