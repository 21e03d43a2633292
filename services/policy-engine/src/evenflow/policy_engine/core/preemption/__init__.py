"""Stopping what runs: toward fair share, by priority, or so that it goes on elsewhere.

Least disruptive last: a cycle stops nobody before it has placed and filled gaps. It looks for
victims of one job at a time, and stops them only if that job then fits and passes its gates; their
room is kept for it meanwhile (a claim), so that nobody else takes it piece by piece.
"""
