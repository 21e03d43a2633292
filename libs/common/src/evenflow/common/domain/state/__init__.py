"""What the log has told so far, and what is counted of it: held amounts, budgets, overrides, usage.

`ShardState` is the whole; the modules beside it are functions that keep or ask one part of it. Only
the fold changes it. It may import facts and nouns, not the fold.
"""
