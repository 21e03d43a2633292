"""The placement experiment of the openb cluster: fill it with pods that never leave, measure.

In come lists of nodes and pods and a strategy, out go the shares of cards that were allocated.
Imports placement of the engine's core, and nothing else of the simulator.
"""

from evenflow.simulator.openb.experiment import STRATEGIES, run_openb
from evenflow.simulator.openb.report import OpenbReport
from evenflow.simulator.openb.seeds import parse_seeds

__all__ = ["STRATEGIES", "OpenbReport", "parse_seeds", "run_openb"]
