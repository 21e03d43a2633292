"""Evenflow: gates."""
