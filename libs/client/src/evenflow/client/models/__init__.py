"""What travels between a client and a gateway, as plain dictionaries with types.

One module a noun: jobs, constraints, queues, reservations, the system, usage, explanations, facts.
In comes the JSON of REST, out go the same dictionaries: nothing is checked or converted, the
gateway judges. Imports the standard library only, and nothing is re-exported here, so that a
command pays for the nouns it uses.
"""
