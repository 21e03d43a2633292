"""What every implementation of a port or plug-in must do: inherit, and say how one is made."""
