"""Evenflow: fragmentation."""
