"""Nodes as clusters report them, and what labels and taints may look like.

What is free on a node, or said over it by operators, is in `state`. It imports resources and
errors.
"""
