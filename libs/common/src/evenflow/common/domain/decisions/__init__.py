"""Evenflow: decisions."""
