"""Evenflow: suites."""
