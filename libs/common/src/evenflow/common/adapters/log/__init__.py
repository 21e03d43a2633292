"""Evenflow: log."""
