"""What came of a replay, shown: in a terminal, as JSON, as one page.

In come results of `replay_log` and `what_if`, out go lines, documents and HTML. Imports `html` for
drawing and the words of the command.
"""
