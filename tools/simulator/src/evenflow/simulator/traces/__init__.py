"""Readers of workload logs and fleets: lines to jobs, and why lines were left out.

One module a format. In comes a file, out goes a `Trace`, and a machine where the file has one.
Imports `trace` and the machine of `core_run`.
"""
