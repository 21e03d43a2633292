"""What grows by a system's work, and what cuts it."""
