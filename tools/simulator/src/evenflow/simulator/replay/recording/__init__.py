"""Evenflow: recording."""
