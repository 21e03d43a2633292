"""Evenflow: exporter."""
