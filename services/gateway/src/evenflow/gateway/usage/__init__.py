"""Usage: the snapshot by which the engine decides now, and what was held exactly over time.

Snapshots of the log, the engine's word on which one it uses, and sums of the view come in; JSON
and CSV go out. It imports queues, which it finds by id or path, and what lies below all nouns.
"""
