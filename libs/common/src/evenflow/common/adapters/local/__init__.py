"""Real processes on this machine. The bare fork server imports this too: keep it empty."""
