"""The way in: REST, events, the page and requests on the bus, before a view of the log.

Each noun of REST is a room: `routes.py`, `documents.py` (what REST shows of it) and `rules/`
(pure). `nouns.py` lists their routes, `assembly.py` puts the parts together, `app.py` opens log
and view. A room may import those below it in the contract `gateway-rooms` of pyproject.toml, and
no other.
"""
