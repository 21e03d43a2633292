"""The placement experiment of the openb cluster: fill it with pods that never leave, measure."""

from evenflow.simulator.openb.experiment import STRATEGIES, run_openb
from evenflow.simulator.openb.report import OpenbReport
from evenflow.simulator.openb.seeds import parse_seeds

__all__ = ["STRATEGIES", "OpenbReport", "parse_seeds", "run_openb"]
