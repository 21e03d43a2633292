"""Evenflow: servers."""
