"""Who may do what on the broker: what `up` configures, what is printed, and what is tried.

A shard comes in; accounts, users and permissions go out as plain data. Nothing here talks to a
broker, and nothing imports its library: the command that starts everything has to be quick.
"""
