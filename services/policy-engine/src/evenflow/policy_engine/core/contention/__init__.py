"""Evenflow: contention."""
