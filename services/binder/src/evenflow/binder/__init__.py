"""Evenflow: binder."""
