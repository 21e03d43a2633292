"""One module a command: its options, and what it asks and prints.

Parted by what a command is about: jobs, queues, the system as a whole. In come options as typer
read them, out go lines on stdout, and errors that `main` turns into a block and an exit code. A
module is imported when its command runs. Imports every other room but `main` and `registry`; the
three kinds import nothing of each other.
"""
