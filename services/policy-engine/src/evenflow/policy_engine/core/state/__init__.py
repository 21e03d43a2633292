"""What the log has told, indexed for deciding, and kept up to date between cycles.

`EngineState` follows each fold: free capacity, live jobs, commitments, shares, history, those that
wait and whose turn is next; and it assumes what a cycle decided until the log confirms it. It takes
folded facts and usage snapshots, and returns nothing: steps read its indexes. It puts the rooms
below together and may import all of them.
"""
