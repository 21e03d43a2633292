"""A fleet that is not there: nodes by number, runs that only pass time on the shard's clock."""
