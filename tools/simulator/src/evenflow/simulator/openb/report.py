"""What came of the experiment, seed by seed."""

from dataclasses import dataclass
from math import fsum


@dataclass(frozen=True, slots=True)
class Filled:
    """One cluster after all pods of one seed came; amounts are thousandths of a GPU."""

    seed: int
    pods: int
    skipped_pods: int  # fitted nowhere when they came
    asked_gpu: int
    allocated_gpu: int
    seconds: float

    @property
    def placed_pods(self) -> int:
        """Pods that found room."""
        return self.pods - self.skipped_pods


@dataclass(frozen=True, slots=True)
class OpenbReport:
    """All seeds of one strategy; `unreadable_rows` were in the two files."""

    strategy: str
    demand: float
    nodes: int
    capacity_gpu: int
    filled: tuple[Filled, ...]
    unreadable_rows: int = 0

    @property
    def gpu_allocated_ratio(self) -> float:
        """Mean over the seeds of the part of all GPUs that is allocated."""
        return fsum(self.ratio(each) for each in self.filled) / len(self.filled)

    def ratio(self, filled: Filled) -> float:
        """Return the part of all GPUs that is allocated."""
        return filled.allocated_gpu / self.capacity_gpu

    def document(self) -> dict[str, object]:
        """Return the report as JSON."""
        return {
            "strategy": self.strategy,
            "demand": self.demand,
            "nodes": self.nodes,
            "gpus": self.capacity_gpu / 1000,
            "gpu_allocated_ratio": self.gpu_allocated_ratio,
            "seconds": round(fsum(each.seconds for each in self.filled), 3),
            "unreadable_rows": self.unreadable_rows,
            "seeds": [
                {
                    "seed": each.seed,
                    "gpu_allocated_ratio": self.ratio(each),
                    "gpus_asked": each.asked_gpu / 1000,
                    "gpus_allocated": each.allocated_gpu / 1000,
                    "placed_pods": each.placed_pods,
                    "skipped_pods": each.skipped_pods,
                    "seconds": round(each.seconds, 3),
                }
                for each in self.filled
            ],
        }
