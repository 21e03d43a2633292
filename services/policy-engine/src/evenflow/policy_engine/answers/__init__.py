"""Evenflow: answers."""
