"""What the gateway checks and says, as pure functions of the shard's state."""
