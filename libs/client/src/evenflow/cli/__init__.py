"""Evenflow: cli."""
