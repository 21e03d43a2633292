"""Where everything of one system is, decided before anything starts.

In come options and settings, out go names, directories, ports and programs, or `CannotStart` with
what is in the way. Starts nothing. Imports nothing else of the launcher.
"""
