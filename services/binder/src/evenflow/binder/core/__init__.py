"""What to ask of a cluster and what to tell the log. Pure: no clock, no I/O, no logging."""
