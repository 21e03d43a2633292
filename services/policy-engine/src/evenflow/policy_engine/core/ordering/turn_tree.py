"""What the order of turns is made of: branches and leaves of the queue tree, and their buckets."""

from collections.abc import Iterator
from heapq import heapify, heappop
from typing import Final

Key = tuple[int, float, float, int, str]
"""Ascending: minus priority, what `QueueKeys` makes of shares and usage, creation, id (unique)."""
Chain = tuple[Key, ...]
"""The keys of a leaf and of what is above it, from the top: leaves compare by it as turns do."""
LAST: Final[Key] = (1 << 62, 0.0, 0.0, 0, "")


class Branch:
    """A queue with queues below it, or the root."""

    __slots__ = (
        "below", "buckets", "heap", "key", "listed", "opened", "parent", "path", "serial",
    )  # fmt: skip

    def __init__(self, path: str, parent: "Branch | None", key: Key) -> None:
        """Nothing below it is known."""
        self.path = path
        self.parent = parent
        self.key = key
        self.heap: list[tuple[Key, int, Branch | Bucket | LeafPlace]] = []
        self.buckets: dict[object, Bucket] = {}
        self.below: dict[
            str, Branch | LeafPlace
        ] = {}  # by path; places only while they stand there
        self.listed: Key | None = None  # its entry in the parent's heap; None: it has none
        self.serial = 0  # of that entry; others of it are dead
        # Groups that were opened, of which what is right below has no entries yet.
        self.opened: dict[TurnGroup, None] = {}


class Bucket:
    """The leaves of one branch whose heads are of one class, which is or was closed."""

    __slots__ = ("branch", "group", "heap", "leaves", "listed", "serial")

    def __init__(self, branch: Branch, group: "TurnGroup") -> None:
        """It is empty."""
        self.branch = branch
        self.group = group
        self.heap: list[tuple[Key, int, LeafPlace]] = []
        self.leaves = 0
        self.listed: Key | None = None
        self.serial = 0


class LeafPlace:
    """Where a leaf stands: in the heap of its branch, or in a bucket there; by which key."""

    __slots__ = ("branch", "bucket", "group", "key", "listed", "path", "serial")

    def __init__(self, path: str, branch: Branch, key: Key) -> None:
        """It stands nowhere yet."""
        self.path = path
        self.branch = branch
        self.key = key
        self.group: TurnGroup | None = None
        self.bucket: Bucket | None = None  # None: it stands in the heap of its branch, or nowhere
        self.listed: Key | None = None  # its entry in that heap; None: it has none
        self.serial = 0  # of its entry, there or in the bucket; others of it are dead


class TurnGroup:
    """Leaves whose heads are of one class, all over the tree; closed ones get no turn."""

    __slots__ = ("direct", "is_open", "tree")

    def __init__(self) -> None:
        """It is open and empty."""
        # Branches with buckets somewhere below, to those right below them and to their bucket.
        self.tree: dict[Branch, dict[Branch | Bucket, None]] = {}
        self.direct: dict[LeafPlace, None] = {}  # those that are in no bucket
        self.is_open = True


def join(group: TurnGroup, bucket: Bucket) -> None:
    """A bucket of the group is new."""
    child: Branch | Bucket = bucket
    branch: Branch | None = bucket.branch
    while branch is not None:
        children = group.tree.setdefault(branch, {})
        children[child] = None
        if len(children) > 1:
            return
        child, branch = branch, branch.parent


def part(group: TurnGroup, bucket: Bucket) -> None:
    """A bucket of the group is gone."""
    child: Branch | Bucket = bucket
    branch: Branch | None = bucket.branch
    while branch is not None:
        children = group.tree[branch]
        del children[child]
        if children:
            return
        del group.tree[branch]
        child, branch = branch, branch.parent


def in_order(branch: Branch, above: Chain = ()) -> Iterator[tuple[Chain, LeafPlace]]:
    """Yield all leaves below a branch in the order of turns, of closed groups too, with keys.

    Where keys only grow meanwhile, what is yielded grows too, and nothing is before it that is not
    yielded yet.
    """
    heap = [(child.key, child) for child in branch.below.values()]  # keys are unique
    heapify(heap)
    while heap:
        key, child = heappop(heap)
        chain = (*above, key)
        if isinstance(child, LeafPlace):
            yield chain, child
        else:
            yield from in_order(child, chain)
