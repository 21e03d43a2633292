"""What may stop a job that has room: limits and states of queues, and quotas.

A gate takes a demand and what queues hold and answers with a reason, or lets it pass. `Commitments`
is what queues hold, with what the running cycle has decided; `local_quotas` is the quota provider
whose quotas are facts in the log. It imports no other room.
"""
