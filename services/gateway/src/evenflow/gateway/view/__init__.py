"""The SQL view: folded from the log, asked by the REST routes."""
