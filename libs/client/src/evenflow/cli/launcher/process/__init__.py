"""Evenflow: process."""
