"""Evenflow: transport."""
