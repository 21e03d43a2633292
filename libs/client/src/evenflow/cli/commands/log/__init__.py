"""Commands about the log itself: how full it is, who reads it, what was cut, a copy of it."""
