"""What may be set as a quota, and what a quota is that nobody has set.

Fields of a body and the folded state come in, definitions go out. Pure: it imports the shared
domain, plain values, and the rules of queues.
"""
