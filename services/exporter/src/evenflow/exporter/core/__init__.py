"""What changed in a cluster, and what was held between two instants. Pure.

In come nodes and folded facts; out go facts that tell a difference, samples that add up exactly,
counters made of them, and the lines of a push. Imports the domain only.
"""
