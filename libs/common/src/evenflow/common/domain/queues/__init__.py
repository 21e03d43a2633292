"""The queue tree: who competes, by path, and the rules of a definition.

It imports clock and errors only.
"""
