"""Checks that no ready-made linter knows."""
