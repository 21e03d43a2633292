"""One child process: started, logged, started again after a back-off, ended; and what was orphaned.

In comes a command with its environment and log file, out go its pid, its exits, and whether it went
by itself. Knows nothing of what the child is. Imports nothing else of the launcher.
"""
