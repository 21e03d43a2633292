"""`evenflow demo`: real work on this machine, and what Evenflow made of it."""
