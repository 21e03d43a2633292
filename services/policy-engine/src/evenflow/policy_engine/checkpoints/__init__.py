"""The folded state, stored from time to time, so that a restart reads only the tail of the log.

`keeping` runs beside the engine and decides when one is due; `checkpointer` is the process it
starts, which folds from the last checkpoint to the log's end, stores the state and ends. It takes
the log and returns a stored checkpoint. It imports no core: the fold is `evenflow.common`'s.
"""
