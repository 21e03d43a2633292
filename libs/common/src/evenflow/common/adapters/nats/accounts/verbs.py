"""The verbs of JetStream's API that Evenflow uses, as subjects with a stream's name in them."""

from typing import Final

NATIVE_PREFIX: Final = "$JS.API"
API_PREFIX: Final = "evenflow.js"
"""What the API is called in accounts without JetStream: there its own name is taken by the broker,
which answers that JetStream is not enabled."""

LOOK: Final = ("STREAM.INFO.{}", "STREAM.MSG.GET.{}", "DIRECT.GET.{}", "DIRECT.GET.{}.>")
FOLLOW: Final = (
    "CONSUMER.CREATE.{}",
    "CONSUMER.CREATE.{}.>",
    "CONSUMER.INFO.{}.*",
    "CONSUMER.DELETE.{}.*",
)
"""Read in order through a consumer of one's own. Its reader tidies up."""
PURGE: Final = ("STREAM.PURGE.{}",)
PROVISION: Final = ("STREAM.INFO.{}", "STREAM.CREATE.{}", "STREAM.UPDATE.{}")
PROVE: Final = ("STREAM.CREATE.{}", "STREAM.DELETE.{}")
ALL: Final = (LOOK, FOLLOW, PURGE, PROVISION, PROVE)


def of(stream: str, *groups: tuple[str, ...]) -> tuple[str, ...]:
    """Return the verbs of these groups on a stream, without a prefix."""
    return tuple(dict.fromkeys(verb.format(stream) for group in groups for verb in group))
