"""What the aggregator computes: decay, the ledger of samples, the snapshot. Pure."""
