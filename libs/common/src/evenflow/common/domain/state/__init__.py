"""Evenflow: state."""
