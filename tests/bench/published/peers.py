"""What others have published of their speed, to stand beside ours.

Other machines, other languages, other work within the figure: most include an API server. They
say what a peer's users see, not who is the better programmer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.core.rows import FILL, FILL_ONE, PODS


@dataclass(frozen=True, slots=True)
class Peer:
    """One figure that somebody published, and where."""

    beside: str  # how our row begins
    who: str
    figure: str
    conditions: str
    source: str


_GITHUB: Final = "https://github.com"
PEERS: Final = (
    Peer(
        PODS,
        "KAI-Scheduler",
        "2.35-2.51 s a cycle, 2.2 s of it the snapshot",
        "4,000+ nodes, 100+ with GPUs, 140,000+ pods, 500+ with GPUs; core only",
        f"{_GITHUB}/kai-scheduler/KAI-Scheduler/issues/315",
    ),
    Peer(
        PODS,
        "KAI-Scheduler, with fewer copies",
        "snapshot from 2 s to about 1 s",
        "the same",
        f"{_GITHUB}/kai-scheduler/KAI-Scheduler/pull/316",
    ),
    Peer(
        FILL_ONE,
        "Armada",
        "32,000 jobs in 0.65 s (0.61 s in the change): 49,000-53,000/s",
        "Go, core only, 1,000 nodes of 32 cores, jobs of 1 core and 4 GiB",
        f"{_GITHUB}/armadaproject/armada/pull/5181",
    ),
    Peer(
        FILL,
        "Armada",
        "3,200 jobs in 0.17 s: 18,500/s",
        "Go, core only, 10 nodes, 10 queues, 2023",
        f"{_GITHUB}/armadaproject/armada/pull/2436",
    ),
    Peer(
        FILL,
        "YuniKorn",
        "359 pods/s (115 with predicates)",
        "50,000 pods on 4,000 simulated nodes, with an API server",
        f"{_GITHUB}/apache/yunikorn-site/blob/master/docs/performance/evaluate_perf_function_with_kubemark.md",
    ),
    Peer(
        FILL,
        "kube-scheduler",
        "100 pods/s, the limit of the test",
        "5,000 nodes, with an API server, 2019",
        f"{_GITHUB}/kubernetes/kubernetes/pull/74041",
    ),
    Peer(
        FILL,
        "Volcano",
        "up to 1,000 pods/s",
        "a vendor's claim, conditions not given",
        "https://support.huaweicloud.com/intl/en-us/tr-central-201-usermanual-cce/cce_10_0193.html",
    ),
    Peer(
        FILL,
        "Kueue",
        "15,000 workloads in 351 s: 43/s",
        "30 queues, quota alone without nodes, with an API server; jobs run meanwhile",
        f"{_GITHUB}/kubernetes-sigs/kueue/blob/main/test/performance/scheduler/configs/baseline/rangespec.yaml",
    ),
)


def beside(rows: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield our row and figure with a peer's name and figure, conditions, and source."""
    for what, figure, _ in rows:
        ours = f"{what}: {figure}"
        for peer in PEERS:
            if what.startswith(f"{peer.beside} ("):
                yield ours, peer.who, peer.figure, peer.conditions, peer.source
                ours = ""  # said once
