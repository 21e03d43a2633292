"""`python -m evenflow.policy_engine`."""

from evenflow.policy_engine.app import main

main()
