"""Several broken rules as one error. Pure."""

from evenflow.common.domain.errors import RequestRejected


class BrokenRules(RequestRejected):
    """Several rules at once."""

    status = 422

    def __init__(self, rules: list[RequestRejected]) -> None:
        """Keep them all."""
        super().__init__("; ".join(map(str, rules)))
        self.rules = rules
