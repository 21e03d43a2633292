"""The sections about the servers below Evenflow: the broker, and the store of snapshots."""

from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr, field_validator, model_validator

from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.server_values import secret_from_file, server_url
from evenflow.common.runtime.settings.values import PositiveDuration


class NatsSettings(Section):
    """The broker. Several servers of one cluster are separated by commas."""

    # Of one server, or of several of one cluster, without a password.
    url: str = "nats://127.0.0.1:4222"
    # Absent: the server asks for none.
    user: str | None = None
    # Better in a file: environments are easily read.
    password: SecretStr | None = None
    # One line, read at start.
    password_file: Path | None = None
    # Of one try; a service goes on trying.
    connect_timeout: PositiveDuration = timedelta(seconds=2)

    _secret = model_validator(mode="before")(secret_from_file("password"))

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        for url in value.split(","):
            server_url(url.strip(), ("nats", "tls"))
        return value

    @property
    def servers(self) -> list[str]:
        """The URLs, one a server."""
        return [url.strip() for url in self.url.split(",")]


class RedisSettings(Section):
    """Redis or Valkey: usage snapshots and caches, never the truth."""

    # With the number of the database, without a password.
    url: str = "redis://127.0.0.1:6379/0"
    # Absent: the server's default user.
    user: str | None = None
    # Better in a file: environments are easily read.
    password: SecretStr | None = None
    # One line, read at start.
    password_file: Path | None = None

    _secret = model_validator(mode="before")(secret_from_file("password"))

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        return server_url(value, ("redis", "rediss"))
