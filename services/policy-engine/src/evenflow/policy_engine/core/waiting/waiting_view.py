"""Who waits where, as it stands: leaves with jobs, their heads, and the classes of these."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.plugins.policy import JobKey, Policy, Ranking, Standing
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.ordering.turns import Chain, LeafPlace, Turns
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.waiting.job_class import JobClass, JobGroup
from evenflow.policy_engine.core.waiting.job_classes import JobClasses
from evenflow.policy_engine.core.waiting.leaf_queue import LeafQueue
from evenflow.policy_engine.core.waiting.leaf_queues import LeafQueues
from evenflow.policy_engine.core.waiting.leaf_turn import Head, LeafTurn
from evenflow.policy_engine.core.waiting.passed_over import PassedOver
from evenflow.policy_engine.core.waiting.wait_targets import WaitTargets


class FirstJob(NamedTuple):
    """The first job of a leaf, with its group and the class in which it waits."""

    job_id: str
    group: JobGroup
    job_class: JobClass


class WaitingView:
    """What can be asked about jobs that wait for their turn. Nothing here changes anything."""

    def __init__(
        self,
        state: ShardState,
        *,
        policy_of: Callable[[str], Policy],
        standing_of: Callable[[str, str, int], Standing],
    ) -> None:
        """Nothing waits. `standing_of` takes leaf, user and how many users wait there."""
        self._leaves: Final = LeafQueues(state, policy_of=policy_of, standing_of=standing_of)
        self.turns: Final = Turns()
        self.classes: Final = JobClasses()
        # Closed classes with leaves that may not have been told why, until all were.
        self.untold_classes: Final[dict[JobClass, None]] = {}
        # Leaves that may have another first job than before; to be cleared by who looks at them.
        self.changed_heads: Final[dict[str, None]] = {}
        self._passed_over: Final = PassedOver(self.classes)
        self._turns: Final[dict[str, LeafTurn]] = {}  # of leaves with jobs, by path

    def __contains__(self, job_id: str) -> bool:
        """Whether a job waits here."""
        return job_id in self._leaves

    def __len__(self) -> int:
        """Return how many jobs wait here."""
        return len(self._leaves)

    @property
    def failed(self) -> dict[str, str]:
        """Policies that raised or told nonsense, with why; queues with them are ordered by fifo."""
        return self._leaves.failed

    @property
    def ranking(self) -> Ranking:
        """What ranks may look at."""
        return self._leaves.ranking

    @property
    def targets(self) -> WaitTargets:
        """Who waits for a start until when, and who has waited past it."""
        return self._leaves.targets

    def position_of(self, job_id: str) -> tuple[LeafQueue, JobGroup, JobKey] | None:
        """Return the leaf, the group and the key under which a job waits; None when it does not."""
        found = self._leaves.place_of(job_id)
        return None if found is None else (self._turns[found[0].path].leaf, *found)

    def leaf_users(self, path: str) -> int:
        """Return how many users wait in a leaf, as far as its policy tells them apart."""
        leaf = self._leaves.get(path)
        return 0 if leaf is None else leaf.users

    def blocked(self, kind: str) -> Iterator[tuple[str, JobClass]]:
        """Yield the leaves of which the head found no room on a kind of cluster, in turn."""
        no_room, has_turn = self.classes.no_room, self._turns
        for _, place in self.turns.in_order():
            job_class = has_turn[place.path].job_class
            if job_class in no_room and job_class.key.shape.kind.name == kind:
                yield place.path, job_class

    @property
    def crowd(self) -> Mapping[Shape, Mapping[tuple[str, JobGroup], None]]:
        """All that waits, by shape, then by leaf and group."""
        return self._leaves.crowd

    def shortest_of(self, shape: Shape) -> int:
        """Return a run time, in microseconds, which no job of the shape is planned to be below."""
        return self._leaves.shortest_of(shape)

    def leaf_or_none(self, path: str) -> LeafQueue | None:
        """Return a leaf; None when no job waits there."""
        return self._leaves.get(path)

    def scope_of(self, path: str) -> str:
        """Return the deepest level whose limits hold for the jobs that wait in a leaf."""
        return self._turns[path].scope

    def leaves(self) -> list[str]:
        """Return the leaves in which a job waits."""
        return list(self._turns)

    def head_or_none(self, path: str) -> Head | None:
        """Return the job whose turn it is in a leaf, and its group; None when all are aside."""
        turn = self._turns.get(path)
        return None if turn is None else turn.head

    def head_of(self, path: str) -> Head:
        """Return the job whose turn it is in a leaf that has one, and its group."""
        head = self._turns[path].head
        if head is None:
            raise BrokenInvariant(f"no job of {path} has a turn")
        return head

    def first_at(self, place: LeafPlace) -> tuple[str, JobClass]:
        """Return the job whose turn it is at a place, and its class."""
        turn = self._turns[place.path]
        if turn.head is None or turn.job_class is None:
            raise BrokenInvariant(f"no job of {place.path} has a turn")
        return turn.head[0], turn.job_class

    def first_job_of(self, path: str) -> FirstJob | None:
        """Return the first job of a leaf, whether others may pass it or not."""
        turn = self._turns.get(path)
        if turn is None:
            return None
        leaf, head, head_class = turn.leaf, turn.head, turn.job_class
        first = None if head is None or head_class is None else FirstJob(*head, head_class)
        for group, job_class in self._passed_over.of_leaf(leaf):
            if first is None or leaf.is_before(group, first.group):
                job_id = leaf.first_of(group)
                if job_id is not None:
                    first = FirstJob(job_id, group, job_class)
        return first

    def policy_in(self, path: str) -> Policy:
        """Return the policy by which a leaf with jobs orders them."""
        turn = self._turns.get(path)
        return self._leaves.policy_in(path) if turn is None else turn.leaf.policy

    def class_of(self, path: str) -> JobClass:
        """Return the class of a leaf's head."""
        job_class = self._turns[path].job_class
        if job_class is None:
            raise BrokenInvariant(f"no job of {path} has a turn")
        return job_class

    def has_turn(self, path: str) -> bool:
        """Whether a leaf has a place in the order of turns."""
        turn = self._turns.get(path)
        return turn is not None and turn.group is not None

    def chain_of(self, path: str) -> Chain:
        """Return what orders a leaf among all others, as turns do."""
        return self.turns.chain(self._turns[path])

    def paths(self) -> list[str]:
        """Return all queues that have a place here, branches first."""
        return [*self.turns.paths(), *self._turns]

    def jobs_to_tell(self, job_class: JobClass) -> list[str]:
        """Return the first jobs of all that may not have been told why their class is closed.

        What was passed over is told as long as its turn would come before the leaf's head: behind
        a head that waits nobody is asked.
        """
        found = []
        for group in job_class.untold:
            turn = self._turns.get(group.path)
            if turn is None or not group.keys:
                continue
            head = turn.head
            if head is not None and head[1] is group:
                found.append(head[0])
            elif head is None or turn.leaf.is_before(group, head[1]):
                found.append(group.keys.first()[2])
        return found
