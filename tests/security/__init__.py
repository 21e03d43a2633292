"""Who gets in and what they may do there, tried on real processes."""
