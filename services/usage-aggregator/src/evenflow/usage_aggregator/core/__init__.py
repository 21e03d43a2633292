"""What the aggregator computes. Pure: no clock, no I/O, no logging.

In come samples and instants; out go sums under decay, slot by slot of a `window`, the `snapshot`
as the document that everybody reads, and the ledger as text and bytes to keep. What counters grew
by and which instants a store is asked for is said here too. Imports the domain and numpy only.
"""
