"""Jobs: what was asked and by which rules, how a job lives, what its tasks ask for and held.

`spec` and `constraints` are what an owner says, `rules` judges that; `job` is its life, which the
fold moves; `run` names one task of one attempt. It may import nodes, quotas and decisions.
"""
