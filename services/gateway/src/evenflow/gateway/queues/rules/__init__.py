"""What may be defined as a queue, which queue a job goes to, and what queues hold by right.

Fields of a body and the folded state come in; definitions, paths and shares go out. Pure: it
imports the shared domain and plain values.
"""
