"""Makes one cluster carry decisions out, and tells the log what became of them.

In come facts, folded by the common law, and events of the cluster; out go calls to its executor and
`runs.reported`. It chooses nothing. `app` stands by until the cluster's lease is won; then one
`term` of leadership takes the runs over, has its `dispatcher` carry commands out, and its
`reporting` append what was heard. Rooms, top to bottom: `app`, `config`, `term`, what a term works
with, `core`. Imports the shared library, and no other service.
"""
