"""Which running system a program talks to, and where it is.

In come a URL, the environment, and the state files that each `evenflow up` leaves in its user's
data directory; out goes an address with the token to show. The launcher writes those files, but
what is in them is said here, so that every client reads them alike. Imports `errors` only.
"""
