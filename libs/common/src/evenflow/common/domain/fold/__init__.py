"""What a fact does to the state: the same function in every service.

`fold.apply` takes a state and an entry of the log; a `Folded` goes out, which says what changed and
which records were void, or a `Void` with its reason. Each noun's facts have a module of their own.
It may import every other room but `plugins`; nobody below imports it.
"""
