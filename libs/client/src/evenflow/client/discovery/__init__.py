"""Evenflow: discovery."""
