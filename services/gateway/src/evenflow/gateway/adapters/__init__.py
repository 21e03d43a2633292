"""What the gateway alone needs of the outside world."""
