"""Evenflow: client."""
