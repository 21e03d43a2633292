"""Whose turn is next: a heap a level of the queue tree, mended where it is looked at.

Leaves whose head is of an open class stand in the heap of their parent. When a class is closed its
leaves go to buckets, one below each parent; when it is opened the buckets stand in the heaps, each
as one, whatever number of leaves wait in it, and a leaf leaves its bucket only when its head is of
another class. They come into the heaps of a branch when that is looked at: most branches are not
before the class is closed again. So an event touches what it changed, and a turn in an open class
is one step a level.

An entry of a heap is never larger than what it stands for: what became smaller is pushed at once,
what became larger is mended when it comes to the top.
"""

from collections.abc import Iterator
from heapq import heappop, heappush, heapreplace

from evenflow.policy_engine.core.ordering.turn_tree import (
    LAST,
    Branch,
    Bucket,
    Chain,
    Key,
    LeafPlace,
    TurnGroup,
    in_order,
    join,
    part,
)

__all__ = ["LAST", "Branch", "Bucket", "Chain", "Key", "LeafPlace", "TurnGroup", "Turns"]


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
            found = self._branches[path] = above.below[path] = Branch(path, above, key)
        return found

    def parent_of(self, path: str) -> Branch:
        """Return the branch above a leaf; it must be known."""
        return self._branches[path.rpartition("/")[0]]

    def put(self, place: LeafPlace, group: TurnGroup) -> None:
        """Let a leaf wait for its turn in a group, whichever it waited in before."""
        old = place.group
        if old is None:
            place.branch.below[place.path] = place
        elif place.bucket is not None:
            self._leave_bucket(place, place.bucket)
        else:
            del old.direct[place]
        place.group = group
        if not group.is_open:
            self._enter_bucket(place, group)
            return
        group.direct[place] = None
        if place.listed is None or place.key < place.listed:
            self._list_place(place)

    def take(self, place: LeafPlace) -> None:
        """Let a leaf wait no more."""
        group = place.group
        if group is None:
            return
        if place.bucket is not None:
            self._leave_bucket(place, place.bucket)
        else:
            del group.direct[place]
        place.group = place.listed = None
        place.serial = 0
        del place.branch.below[place.path]

    def open(self, group: TurnGroup) -> None:
        """Give the leaves of a group turns again."""
        if not group.is_open:
            group.is_open = True
            if self.root in group.tree:
                self.root.opened[group] = None

    def close(self, group: TurnGroup) -> None:
        """Give the leaves of a group no turns."""
        group.is_open = False
        if group.direct:
            direct, group.direct = group.direct, {}
            for place in direct:
                self._enter_bucket(place, group)

    def rekey_place(self, place: LeafPlace, key: Key) -> None:
        """Follow a change of a leaf's key."""
        grew = key >= place.key
        place.key = key
        if grew or place.group is None:
            return
        if place.bucket is not None:
            self._push_place(place, place.bucket)
        elif place.listed is None or key < place.listed:
            self._list_place(place)

    def rekey_branch(self, path: str, key: Key) -> None:
        """Follow a change of a branch's key."""
        branch = self._branches.get(path)
        if branch is not None:
            branch.key = key
            if branch.listed is not None and key < branch.listed:
                self._list_branch(branch)

    def rekey_up(self, place: LeafPlace, keys: list[Key]) -> None:
        """Follow a change of the keys of a leaf and of all above it; `keys` are from the top."""
        at = len(keys) - 1
        self.rekey_place(place, keys[at])
        branch = place.branch
        while branch.parent is not None:
            at -= 1
            key = branch.key = keys[at]
            if branch.listed is not None and key < branch.listed:
                self._list_branch(branch)
            branch = branch.parent

    def next(self) -> LeafPlace | None:
        """Return the leaf whose turn it is; None when no open group has any."""
        branch = self.root
        while True:
            if branch.opened:
                self._list_opened(branch)
            heap = branch.heap
            if not heap:  # nothing is left below it
                if branch.parent is None:
                    return None
                heappop(branch.parent.heap)
                branch.listed = None
                branch = branch.parent
                continue
            key, serial, child = heap[0]
            if serial != child.serial:
                heappop(heap)  # it has left, or stands elsewhere
            elif isinstance(child, Bucket):
                top = self._mend(heap, child)
                if top is not None:
                    return top
            elif (now := child.key) != key:
                child.listed = now
                heapreplace(heap, (now, serial, child))
            elif isinstance(child, Branch):
                branch = child
            else:
                return child

    def in_order(self) -> Iterator[tuple[Chain, LeafPlace]]:
        """Yield all leaves that stand somewhere in the order of turns, of closed groups too."""
        return in_order(self.root)

    def chain(self, place: LeafPlace) -> Chain:
        """Return what orders a leaf among all that stand somewhere."""
        keys = [place.key]
        branch: Branch | None = place.branch
        while branch is not None and branch.parent is not None:
            keys.append(branch.key)
            branch = branch.parent
        return tuple(reversed(keys))

    def paths(self) -> Iterator[str]:
        """Yield the paths of all branches but the root."""
        return (path for path in self._branches if path)

    def _mend(
        self, heap: "list[tuple[Key, int, Branch | Bucket | LeafPlace]]", bucket: Bucket
    ) -> LeafPlace | None:
        """Return the first leaf of a heap's first bucket; None when the heap was to be mended."""
        key, serial, _ = heap[0]
        top = self._top(bucket) if bucket.group.is_open else None
        if top is None:
            heappop(heap)
            bucket.listed = None
        elif top.key != key:
            bucket.listed = top.key
            heapreplace(heap, (top.key, serial, bucket))
        else:
            return top
        return None

    @staticmethod
    def _top(bucket: Bucket) -> LeafPlace | None:
        """Return a bucket's first leaf, and mend its heap on the way."""
        heap = bucket.heap
        while heap:
            key, serial, place = heap[0]
            if serial != place.serial:
                heappop(heap)
            elif key != place.key:
                heapreplace(heap, (place.key, serial, place))
            else:
                return place
        return None

    def _enter_bucket(self, place: LeafPlace, group: TurnGroup) -> None:
        branch = place.branch
        bucket = branch.buckets.get(group)
        if bucket is None:
            bucket = branch.buckets[group] = Bucket(branch, group)
            join(group, bucket)
        place.bucket = bucket
        place.listed = None
        bucket.leaves += 1
        self._push_place(place, bucket)

    def _leave_bucket(self, place: LeafPlace, bucket: Bucket) -> None:
        place.bucket = None
        place.serial = 0
        bucket.leaves -= 1
        if not bucket.leaves:
            bucket.serial = 0
            bucket.listed = None
            del bucket.branch.buckets[bucket.group]
            part(bucket.group, bucket)

    def _push_place(self, place: LeafPlace, bucket: Bucket) -> None:
        self._serial += 1
        place.serial = self._serial
        heappush(bucket.heap, (place.key, self._serial, place))
        if len(bucket.heap) > 2 * bucket.leaves + 64:
            bucket.heap = sorted(e for e in bucket.heap if e[1] == e[2].serial)
        if bucket.group.is_open and (bucket.listed is None or place.key < bucket.listed):
            self._list_bucket(bucket)

    def _list_place(self, place: LeafPlace) -> None:
        self._serial += 1
        place.serial = self._serial
        place.listed = place.key
        self._push(place.branch, (place.key, self._serial, place))

    def _list_opened(self, branch: Branch) -> None:
        """Let what is right below a branch, of groups that were opened, come into its heap."""
        opened, branch.opened = branch.opened, {}
        for group in opened:
            for child in group.tree.get(branch, ()) if group.is_open else ():
                if isinstance(child, Branch):
                    child.opened[group] = None
                    if child.listed is None:
                        self._list_branch(child)
                elif child.listed is None or self._is_before(child, child.listed):
                    self._list_bucket(child)

    def _is_before(self, bucket: Bucket, key: Key) -> bool:
        top = self._top(bucket)
        return top is not None and top.key < key

    def _list_bucket(self, bucket: Bucket) -> None:
        top = self._top(bucket)
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

    def _push(self, branch: Branch, entry: "tuple[Key, int, Branch | Bucket | LeafPlace]") -> None:
        heappush(branch.heap, entry)
        if len(branch.heap) > 4 * (len(branch.buckets) + len(branch.below)) + 64:
            branch.heap = sorted(e for e in branch.heap if e[1] == e[2].serial)
        if branch.listed is None:
            self._list_branch(branch)
