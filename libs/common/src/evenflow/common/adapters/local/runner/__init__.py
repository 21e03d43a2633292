"""What carries one run: bare processes, standard library only. Keep this empty of imports."""
