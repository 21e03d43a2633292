"""Who gets in, and what each endpoint demands of them.

Credentials come in: the token of a file, tokens that admins gave, sessions of the page, one-time
codes. Out goes the principal that `edge/guard.py` puts beside each request. `endpoints.py` is the
one table of rules; docs/access.md is drawn from it. Stores hold digests, never secrets.
"""
