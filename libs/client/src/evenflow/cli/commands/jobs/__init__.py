"""Evenflow: jobs."""
