"""Serving HTTP inside a service's own loop, and clients of servers that settings name."""
