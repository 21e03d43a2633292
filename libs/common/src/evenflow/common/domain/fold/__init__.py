"""Evenflow: fold."""
