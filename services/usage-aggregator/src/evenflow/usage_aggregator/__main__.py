"""`python -m evenflow.usage_aggregator`."""

from evenflow.usage_aggregator.app import main

main()
