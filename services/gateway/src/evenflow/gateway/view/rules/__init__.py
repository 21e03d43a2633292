"""Exact sums of what was held, and the steps of time that they are asked by.

Ended attempts and live jobs come in, spans of hours and days go out, in integers. Pure: it
imports the shared domain and plain values.
"""
