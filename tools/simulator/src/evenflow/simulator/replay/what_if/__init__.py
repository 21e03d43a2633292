"""Evenflow: what_if."""
