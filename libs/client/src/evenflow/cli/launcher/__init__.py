"""One machine: start the servers and the services, keep them running, stop them in order."""
