"""Where counters are pushed to: an InfluxDB, at every tick. In come totals, out goes HTTP.

Imports `core`, and one library each.
"""
