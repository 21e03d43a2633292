"""Evenflow: availability."""
