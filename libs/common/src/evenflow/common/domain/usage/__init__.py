"""The snapshot of decayed usage: its text, digest and age. Who computes it is the aggregator."""
