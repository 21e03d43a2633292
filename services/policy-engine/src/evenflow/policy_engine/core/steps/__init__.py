"""Evenflow: steps."""
