"""Signing in at an identity provider from a terminal, and what is kept of it.

In come a gateway's word on its provider and a person's consent in a browser somewhere; out go
tokens, kept in a file of mode 0600 a gateway and renewed before they end. Imports `errors` only.
"""
