"""Evenflow: models."""
