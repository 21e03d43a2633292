"""Evenflow: reservations."""
