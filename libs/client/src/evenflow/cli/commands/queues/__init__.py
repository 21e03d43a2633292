"""Evenflow: queues."""
