"""How much of a resource, as a client may say it."""

Number = float | str
"""A plain number in base units (cores, cards, GiB), or a quantity such as `500m` or `4Gi`."""
