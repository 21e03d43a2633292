"""What the view needs of SQL, whatever it holds: SQLite and PostgreSQL alike.

A URL comes in; an engine, the lock of the one who writes, and statements that both databases take
go out. It imports plain settings and errors of the shared domain, and no table.
"""
