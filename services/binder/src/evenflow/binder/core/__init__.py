"""What to ask of a cluster and what to tell the log. Pure: no clock, no I/O, no logging.

In come jobs as the fold knows them and what the cluster said of its runs; out go commands (`Start`,
`Stop`) and steps to report. `reconciler` compares what is desired with the table of runs; `retry`
says when to call again. Imports the domain only.
"""
