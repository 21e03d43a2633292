"""The decisions of the engine: pure functions over the folded state."""
