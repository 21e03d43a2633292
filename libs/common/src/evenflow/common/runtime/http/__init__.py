"""Evenflow: http."""
