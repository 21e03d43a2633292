"""Rules of a fleet."""
