"""What happens between a call and its answer, the same for both clients. Opens no connection.

In come calls and HTTP responses, out go headers and timeouts, what a response says, when to send
again, where to take a broken stream up, and how often a waiting client looks. Imports `requests`,
`discovery`, `models` and `errors`, and httpx.
"""
