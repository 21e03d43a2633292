"""Replaying a workload log through a running system."""
