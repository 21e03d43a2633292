"""Evenflow: explain."""
