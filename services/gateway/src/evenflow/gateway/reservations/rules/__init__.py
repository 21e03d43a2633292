"""What may be reserved, and whether the nodes could keep it beside other reservations.

Fields of a body and the folded state come in; a reservation, or all rules that it breaks, goes
out. Pure: it imports the shared domain, plain values, and the rules of jobs and queues.
"""
