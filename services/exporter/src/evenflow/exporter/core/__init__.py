"""What the exporter decides: which nodes changed, and who held how much for how long. Pure."""
