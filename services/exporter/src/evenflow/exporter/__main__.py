"""`python -m evenflow.exporter`."""

from evenflow.exporter.app import main

main()
