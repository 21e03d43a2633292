"""Evenflow: report."""
