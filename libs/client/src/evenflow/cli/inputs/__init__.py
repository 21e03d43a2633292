"""What people type or hand over as a file, read and judged as far as that needs no system.

In come words, options, times, limits and YAML, out go plain values as the gateway takes them, or
an `InvalidValue` that names the option and the rule. Imports `display` for its errors, and types of
`evenflow.client`; prints nothing.
"""
