"""The whole core over virtual time: fold, usage, cycles, as the services run them."""
