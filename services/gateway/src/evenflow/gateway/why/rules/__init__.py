"""Sentences: where a job is, why it waits, who goes first, when it may start.

Codes and numbers come in, words go out. Pure: it imports the shared domain and plain values.
"""
