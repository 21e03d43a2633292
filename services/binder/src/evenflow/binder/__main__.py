"""`python -m evenflow.binder`."""

from evenflow.binder.app import main

main()
