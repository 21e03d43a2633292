"""One node and sets of nodes: what is free there, who may go there, and which is liked best.

It takes nodes as clusters report them, requests of tasks and constraints. It returns, for an ask
within a cluster or a topology domain, the nodes that fit, best first, kept up to date change by
change; and for a job that nothing could hold, what no node has. It decides about one task at a
time, and knows gangs only as shapes. It imports no other room.
"""
