"""Evenflow: gateway."""
