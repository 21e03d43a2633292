"""What reaches outside: a store of usage each, and the calendar of a cron expression.

In come instants, out go samples as `ports.usage_backends` has them; what blocks runs beside the
loop. Imports `core`, the ports, and one library each.
"""
