"""Evenflow: session."""
