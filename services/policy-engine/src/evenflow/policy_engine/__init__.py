"""Evenflow: policy_engine."""
