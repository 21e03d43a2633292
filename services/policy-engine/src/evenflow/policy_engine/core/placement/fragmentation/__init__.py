"""Which node a task spoils least for the jobs that usually come (strategy `least-fragmentation`).

It takes the shapes of all jobs, counted as a mix of requests for GPUs, and the states of nodes;
it returns a score a node, by how much more of it would be useless for the mix. It may import
`placement.nodes`.
"""
