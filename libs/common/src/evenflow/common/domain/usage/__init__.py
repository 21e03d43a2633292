"""Evenflow: usage."""
