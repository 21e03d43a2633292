"""Inputs that nobody meant: every parser by coverage, REST by its own description, the bus by hand.

`make fuzz MINUTES=5` runs all three and prints what was tried and found; `test_parsers.py` is the
short form that runs with the other tests.
"""
