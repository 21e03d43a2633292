"""Evenflow: system."""
