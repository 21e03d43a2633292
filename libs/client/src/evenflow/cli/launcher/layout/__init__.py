"""Evenflow: layout."""
