"""`python -m evenflow.gateway`."""

from evenflow.gateway.app import main

main()
