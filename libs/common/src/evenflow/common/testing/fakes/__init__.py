"""The ports in memory, for tests: a log, samples, snapshots, a cluster; bytes are real."""
