"""What reaches outside: stores of usage, the calendar of a cron expression."""
