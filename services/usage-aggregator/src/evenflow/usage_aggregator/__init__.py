"""Evenflow: usage_aggregator."""
