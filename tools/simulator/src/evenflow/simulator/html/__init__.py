"""Reports as one page: no script, no font, no file beside it; light or dark as one has it.

In come schedules and outcomes, out goes HTML with drawings as SVG; `page`, `plots`, `svg`,
`palette`, `series` and `words` are for other reports too. Imports `shares`, `schedule` and the
outcome of `core_run`.
"""

from evenflow.simulator.html.simulation import write_report

__all__ = ["write_report"]
