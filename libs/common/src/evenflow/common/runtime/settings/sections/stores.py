"""The sections about the servers below Evenflow: the broker, and the store of snapshots."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator

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
    # A NATS credentials file (JWT and seed), instead of user and password.
    credentials_file: Path | None = None
    # Signs the servers' certificates; absent: the system's own authorities. With it, or with
    # `tls://` in the URL, every connection is encrypted.
    ca_file: Path | None = None
    # Our certificate, where the servers demand one.
    cert_file: Path | None = None
    # The certificate's key.
    key_file: Path | None = None
    # What JetStream's API is called for this login; `evenflow.js` with the accounts that
    # `evenflow provision --print` writes. Absent: its own name, `$JS.API`.
    api_prefix: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$-]+)*$")
    # How many servers keep each stream: 1, or 3 in a cluster. Provisioning obeys it.
    replicas: int = Field(default=1, ge=1, le=5)
    # Of one try; a service goes on trying.
    connect_timeout: PositiveDuration = timedelta(seconds=2)

    _secret = model_validator(mode="before")(secret_from_file("password"))

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        for url in value.split(","):
            server_url(url.strip(), ("nats", "tls"))
        return value

    @model_validator(mode="after")
    def _check_logins(self) -> "NatsSettings":
        if self.credentials_file and self.user:
            raise ValueError("credentials_file and user are both given; keep one")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file belong together; give both or neither")
        return self

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
    # Signs the server's certificate; for `rediss://` URLs. Absent: the system's own authorities.
    ca_file: Path | None = None

    _secret = model_validator(mode="before")(secret_from_file("password"))

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        return server_url(value, ("redis", "rediss"))

    @model_validator(mode="after")
    def _check_ca(self) -> "RedisSettings":
        if self.ca_file and not self.url.startswith("rediss://"):
            raise ValueError("ca_file needs a rediss:// URL: without TLS nobody reads it")
        return self
