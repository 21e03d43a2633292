"""Real servers for tests, each started as a process of its own and ended with the test."""
