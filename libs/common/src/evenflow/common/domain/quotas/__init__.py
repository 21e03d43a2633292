"""What a project may hold at once, or use in a period; the rules of that.

What is used of it is counted in `state`. Imports clock and errors only.
"""
