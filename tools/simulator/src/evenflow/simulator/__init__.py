"""Traces, policies and recorded logs through the cores of the services: no broker, no cluster.

In come workload logs, fleets as YAML, and recorded facts; out go schedules with their measures,
decisions compared, and reports as one page. Rooms, top to bottom: the commands (`command`,
`replay`), what they ask for (`simulations`, `measures`, `openb`, `html`), `traces`, the engines
(`core_run` runs the whole core, `pool` counts slots), then `shares`, `schedule` and `trace`.
Imports the cores of engine, aggregator and exporter, and the words of the command; no service.
"""
