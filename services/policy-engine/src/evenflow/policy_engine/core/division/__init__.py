"""Evenflow: division."""
