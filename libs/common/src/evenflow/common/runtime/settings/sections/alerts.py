"""The section about what is told to other systems when a quota is nearly used up."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, IPvAnyNetwork, SecretStr, model_validator

from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.server_values import secret_from_file, server_url
from evenflow.common.runtime.settings.values import Duration, PositiveDuration


def _webhook_url(value: str) -> str:
    return server_url(value, ("http", "https"), "secret_file")


def check_thresholds(value: tuple[float, ...]) -> tuple[float, ...]:
    """Return ratios that grow and lie above 0.

    Raises:
        ValueError: they do not.
    """
    for ratio in value:
        if not 0.001 <= ratio <= 100:  # noqa: PLR2004 - NaN is neither
            raise ValueError(f"names {ratio:g}: each must be a ratio such as 0.8, 0.001 to 100")
    if list(value) != sorted(dict.fromkeys(value)):
        raise ValueError("must grow from one to the next, as [0.8, 1.0]")
    return value


Thresholds = Annotated[tuple[float, ...], Field(max_length=10), AfterValidator(check_thresholds)]
"""Ratios of a limit, each larger than the one before."""


class WebhookSettings(Section):
    """One receiver of alerts."""

    # Where alerts are posted to, as JSON; without a password.
    url: Annotated[str, AfterValidator(_webhook_url)]
    # Signs each request: HMAC-SHA256 of the body, in `X-Evenflow-Signature`. Absent: unsigned.
    secret: SecretStr | None = None
    # Instead of `secret`: holds it, one line, read at start.
    secret_file: Path | None = None

    _secret = model_validator(mode="before")(secret_from_file("secret"))


class AlertsSettings(Section):
    """Who is told when a quota is nearly used up. All durations are of the wall's clock."""

    # Receivers, each `{url, secret}` or `{url, secret_file}`. Of several gateways, which must have
    # the same ones, one tells them all.
    webhooks: Annotated[tuple[WebhookSettings, ...], Field(max_length=20)] = ()
    # Networks that receivers may be in although they are not of the public internet, as
    # 10.1.0.0/16 or 127.0.0.1/32. Without: loopback, private, link-local and the like are refused,
    # whatever name leads there.
    allowed_networks: Annotated[tuple[IPvAnyNetwork, ...], Field(max_length=100)] = ()
    # A receiver that has not answered by then is asked again.
    timeout: PositiveDuration = timedelta(seconds=10)
    # The pause before a second try; it doubles from one try to the next.
    retry_first: PositiveDuration = timedelta(seconds=1)
    # The longest pause between two tries.
    retry_longest: PositiveDuration = timedelta(minutes=5)
    # An alert that could not be delivered for so long is dropped, and counted as such.
    give_up: Duration = timedelta(days=1)

    @model_validator(mode="after")
    def _check_webhooks(self) -> Self:
        urls = [each.url for each in self.webhooks]
        if len(set(urls)) < len(urls):
            raise ValueError("webhooks name a URL twice")
        if self.retry_longest < self.retry_first:
            raise ValueError("retry_longest must not be shorter than retry_first")
        return self
