"""Every request that a client makes, as a value: method, path, body, and the type of the answer.

One module a noun, as in REST; `call` holds what they are made of, `output` reads what a task
writes piece by piece. In come ids and fields, out goes a `Call` that either client can send.
Pure: nothing is sent here. Imports `models` and `errors`, and the library that nobody waits for.
"""
