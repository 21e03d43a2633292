"""What the services need from the outside world, as protocols, with the records that cross them.

Cores' callers are written against these; adapters and fakes implement them. It may import the
domain.
"""
