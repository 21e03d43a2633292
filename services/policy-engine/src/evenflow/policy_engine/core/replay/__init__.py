"""Evenflow: replay."""
