"""Builders, fakes and port suites for tests."""
