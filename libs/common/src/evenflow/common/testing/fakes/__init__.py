"""Evenflow: fakes."""
