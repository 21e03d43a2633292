"""Commands about who may hold how much: queues, quotas, reservations, usage, shares."""
