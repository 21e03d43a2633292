"""What the services share: words, wire shapes, ports, adapters and the life of a process."""
