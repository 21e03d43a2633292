"""Evenflow: nats."""
