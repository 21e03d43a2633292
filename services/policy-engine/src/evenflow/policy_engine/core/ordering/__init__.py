"""Evenflow: ordering."""
