"""Evenflow: requests."""
