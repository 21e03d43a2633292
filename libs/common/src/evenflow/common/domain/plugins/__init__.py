"""Evenflow: plugins."""
