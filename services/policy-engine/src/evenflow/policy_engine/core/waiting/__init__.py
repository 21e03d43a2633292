"""Evenflow: waiting."""
