"""The system as a whole in one document: who is alive, whose clock differs, how old usage is.

Heartbeats and the folded state come in, the document of `GET /status` goes out. It imports the
clock and usage, which are parts of it.
"""
