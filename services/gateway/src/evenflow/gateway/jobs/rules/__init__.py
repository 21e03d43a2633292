"""What makes a submission a job, and whether today's nodes could ever hold it.

Fields of a body and the folded state come in; job specs, broken rules and warnings go out. Pure:
it imports the shared domain, plain values, and the rules of queues.
"""
