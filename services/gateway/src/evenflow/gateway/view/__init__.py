"""The SQL view: tables that are folded from the log, and the questions that routes ask them.

Folded entries come in, a batch at a time, and are written with the cursor in one transaction;
rows go out. It imports the shared domain and plain values, and neither the edge nor a noun.
"""
