"""Evenflow: nodes."""
