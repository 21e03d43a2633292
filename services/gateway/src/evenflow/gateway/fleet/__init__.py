"""A whole fleet of queues and quotas in one body: `POST /api/v1/apply`, all or nothing.

JSON or YAML comes in, one definition of all that differs is appended, and what became of each
queue and quota goes out. It imports queues and quotas, whose rules it carries out one by one.
"""
