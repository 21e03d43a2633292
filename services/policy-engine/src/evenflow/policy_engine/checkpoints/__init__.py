"""Evenflow: checkpoints."""
