"""Commands about a system as a whole: start and stop it, look at it, push a log through it."""
