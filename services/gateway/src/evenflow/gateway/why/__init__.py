"""Why a job is where it is: in words and numbers, by the engine that leads, or by the view alone.

A job's row and the engine's answer come in, one document goes out. It imports jobs, the shares of
queues, and what lies below all nouns.
"""
