"""Who is stopped for whom: toward fair share, by priority, or to go on elsewhere.

Least disruptive last: a cycle stops nobody before it has placed and filled gaps. It takes a
session, looks for the victims of one beneficiary at a time, and adds evictions to the session only
if that job then fits and passes its gates; their room is kept for it meanwhile (a claim), so that
nobody else takes it piece by piece, and `start_claimed` starts it there. It may import `session`
and what is below.
"""
