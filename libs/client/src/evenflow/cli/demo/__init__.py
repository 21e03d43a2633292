"""`evenflow demo`: real work on this machine, and what Evenflow made of it.

A plan of jobs with the end that each shall have goes in; the room starts a system in a directory
that goes away, follows its facts, and gives back what ran when and why, and what was not as
planned. Imports `display` and `evenflow.client`.
"""
