"""Evenflow: quotas."""
