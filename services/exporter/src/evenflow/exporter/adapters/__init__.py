"""What reaches outside: a time-series store that is pushed to."""
