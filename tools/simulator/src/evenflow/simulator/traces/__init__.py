"""Readers of logs: lines to jobs, and why lines were left out."""
