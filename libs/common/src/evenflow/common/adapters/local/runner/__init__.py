"""What carries one run: bare processes, the standard library only. Keep this empty of imports.

A request comes in over the fork server's socket; files of the run's directory, and lines to
executors that listen, go out.
"""
