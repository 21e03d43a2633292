"""Evenflow: methods."""
