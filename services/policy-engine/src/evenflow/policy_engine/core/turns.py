"""Whose turn is next: a heap a level of the queue tree, mended where it is looked at.

Leaves hang below their parent in buckets, one for each class that heads of leaves have there: jobs
of a class fit and are let through alike. A closed class takes its buckets out of the heaps as one,
and back as one, whatever number of leaves wait in it. So an event touches what it changed.

An entry of a heap is never larger than what it stands for: what became smaller is pushed at once,
what became larger is mended when it comes to the top.
"""

from collections.abc import Iterator
from heapq import heappop, heappush, heapreplace
from typing import Final

Key = tuple[int, float, float, int, str]
"""Ascending: minus priority, and what `Keys` makes of shares and usage, creation, id (unique)."""
LAST: Final[Key] = (1 << 62, 0.0, 0.0, 0, "")


class Branch:
    """A queue with queues below it, or the root."""

    __slots__ = ("buckets", "heap", "key", "listed", "parent", "path", "serial", "width")

    def __init__(self, path: str, parent: "Branch | None", key: Key) -> None:
        """Nothing below it is known."""
        self.path = path
        self.parent = parent
        self.key = key
        self.heap: list[tuple[Key, int, Branch | Bucket]] = []
        self.buckets: dict[object, Bucket] = {}
        self.listed: Key | None = None  # its entry in the parent's heap; None: it has none
        self.serial = 0  # of that entry; others of it are dead
        self.width = 0  # branches right below it


class Bucket:
    """The leaves of one branch whose heads are of one class."""

    __slots__ = ("branch", "group", "heap", "leaves", "listed", "serial")

    def __init__(self, branch: Branch, group: "Group") -> None:
        """It is empty."""
        self.branch = branch
        self.group = group
        self.heap: list[tuple[Key, int, Place]] = []
        self.leaves = 0
        self.listed: Key | None = None
        self.serial = 0


class Place:
    """Where a leaf stands: in which bucket, by which key."""

    __slots__ = ("bucket", "key", "path", "serial")

    def __init__(self, path: str, key: Key) -> None:
        """It stands nowhere yet."""
        self.path = path
        self.key = key
        self.bucket: Bucket | None = None
        self.serial = 0


class Group:
    """Leaves whose heads are of one class, all over the tree; closed ones get no turn."""

    __slots__ = ("buckets", "is_open")

    def __init__(self) -> None:
        """It is open and empty."""
        self.buckets: dict[str, Bucket] = {}  # by the path of the branch
        self.is_open = True


class Turns:
    """Deals out turns to leaves, down the tree."""

    def __init__(self) -> None:
        """There is no queue."""
        self.root = Branch("", None, LAST)
        self._branches: dict[str, Branch] = {"": self.root}
        self._serial = 0

    def branch(self, path: str, key: Key) -> Branch:
        """Return the branch of a queue, which is made with this key when it is not there."""
        found = self._branches.get(path)
        if found is None:
            above = self._branches[path.rpartition("/")[0]]
            found = self._branches[path] = Branch(path, above, key)
            above.width += 1
        return found

    def put(self, place: Place, parent: str, group: Group) -> None:
        """Let a leaf wait for its turn in a group."""
        branch = self._branches[parent]
        bucket = branch.buckets.get(group)
        if bucket is None:
            bucket = branch.buckets[group] = group.buckets[parent] = Bucket(branch, group)
        place.bucket = bucket
        bucket.leaves += 1
        self._push_place(place, bucket)

    def take(self, place: Place) -> None:
        """Let a leaf wait no more."""
        bucket = place.bucket
        if bucket is None:
            return
        place.bucket = None
        place.serial = 0
        bucket.leaves -= 1
        if not bucket.leaves:
            bucket.serial = 0
            bucket.listed = None
            del bucket.branch.buckets[bucket.group]
            del bucket.group.buckets[bucket.branch.path]

    def open(self, group: Group) -> None:
        """Give the leaves of a group turns again."""
        if not group.is_open:
            group.is_open = True
            for bucket in group.buckets.values():
                self._list_bucket(bucket)

    def close(self, group: Group) -> None:
        """Give the leaves of a group no turns."""
        group.is_open = False

    def rekey_place(self, place: Place, key: Key) -> None:
        """Follow a change of a leaf's key."""
        grew = key > place.key
        place.key = key
        if place.bucket is not None and not grew:
            self._push_place(place, place.bucket)

    def rekey_branch(self, path: str, key: Key) -> None:
        """Follow a change of a branch's key."""
        branch = self._branches.get(path)
        if branch is not None:
            branch.key = key
            if branch.listed is not None and key < branch.listed:
                self._list_branch(branch)

    def next(self) -> Place | None:
        """Return the leaf whose turn it is; None when no open group has any."""
        branch = self.root
        while True:
            child = self._first(branch)
            if isinstance(child, Place):
                return child
            if child is not None:
                branch = child
            elif branch.parent is None:
                return None
            else:  # nothing is left below it
                heappop(branch.parent.heap)
                branch.listed = None
                branch = branch.parent

    def paths(self) -> Iterator[str]:
        """Yield the paths of all branches but the root."""
        return (path for path in self._branches if path)

    def _push_place(self, place: Place, bucket: Bucket) -> None:
        self._serial += 1
        place.serial = self._serial
        heappush(bucket.heap, (place.key, self._serial, place))
        if len(bucket.heap) > 2 * bucket.leaves + 64:
            bucket.heap = sorted(e for e in bucket.heap if e[1] == e[2].serial)
        if bucket.group.is_open and (bucket.listed is None or place.key < bucket.listed):
            self._list_bucket(bucket)

    def _list_bucket(self, bucket: Bucket) -> None:
        top = self._top(bucket.heap)
        if top is not None:
            self._serial += 1
            bucket.serial = self._serial
            bucket.listed = top.key
            self._push(bucket.branch, (top.key, self._serial, bucket))

    def _list_branch(self, branch: Branch) -> None:
        if branch.parent is not None:
            self._serial += 1
            branch.serial = self._serial
            branch.listed = branch.key
            self._push(branch.parent, (branch.key, self._serial, branch))

    def _push(self, branch: Branch, entry: "tuple[Key, int, Branch | Bucket]") -> None:
        heappush(branch.heap, entry)
        if len(branch.heap) > 4 * (len(branch.buckets) + branch.width) + 64:
            branch.heap = sorted(e for e in branch.heap if e[1] == e[2].serial)
        if branch.listed is None:
            self._list_branch(branch)

    @staticmethod
    def _top(heap: list[tuple[Key, int, Place]]) -> Place | None:
        """Return a bucket's first leaf, and mend its heap on the way."""
        while heap:
            key, serial, place = heap[0]
            if serial != place.serial:
                heappop(heap)  # it has left, or stands elsewhere
            elif key != place.key:
                heapreplace(heap, (place.key, serial, place))
            else:
                return place
        return None

    def _first(self, branch: Branch) -> "Branch | Place | None":
        """Return the first below a branch that has turns, and mend its heap on the way."""
        heap = branch.heap
        while heap:
            key, serial, child = heap[0]
            if serial != child.serial:
                heappop(heap)
            elif isinstance(child, Bucket):
                top = self._top(child.heap) if child.group.is_open else None
                if top is None:
                    heappop(heap)
                    child.listed = None
                elif top.key != key:
                    child.listed = top.key
                    heapreplace(heap, (top.key, serial, child))
                else:
                    return top
            elif child.key != key:
                child.listed = child.key
                heapreplace(heap, (child.key, serial, child))
            else:
                return child
        return None
