"""Reports as one page: no script, no font, no file beside it; light or dark as one has it."""

from evenflow.simulator.html.simulation import write_report

__all__ = ["write_report"]
