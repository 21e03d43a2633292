"""Evenflow: inputs."""
