"""Evenflow: rules."""
