"""What both clients can do, noun by noun: queues, reservations, usage, the system.

Each module holds a class for programs that wait and its twin for programs with an event loop; a
client inherits them all and brings `send`. In come names and fields, out go the answers of the
gateway as `models` types them. Imports `requests` and `models`.
"""
