"""How things look on a terminal: consoles, tables, words for times and amounts, problems.

In come documents of the gateway and errors, out go lines: results on stdout, all else on stderr.
Imports types and errors of `evenflow.client`, and nothing else of the command.
"""
