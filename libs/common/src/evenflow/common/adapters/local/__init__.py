"""Real processes on this machine. The bare zygote imports this too: keep it empty."""
