"""A fleet that is not there: nodes by number, runs that only pass time on the shard's clock.

Run orders come in and events of runs go out, as from real clusters. It may import ports and domain.
"""
