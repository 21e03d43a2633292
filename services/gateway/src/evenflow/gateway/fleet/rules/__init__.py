"""What differs between a fleet as stated and the queues and quotas as they are.

Fields of a body and the folded state come in; one definition and a list of outcomes go out. Pure:
it imports the shared domain, plain values, and the rules of queues and quotas.
"""
