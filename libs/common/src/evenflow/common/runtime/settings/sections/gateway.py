"""The section about the gateway: where it listens, whom it lets in, what its view keeps."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, IPvAnyNetwork, SecretStr, field_validator, model_validator

from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.values import ByteSize, Duration, PositiveDuration

_LONGEST_SOCKET: Final = 107


class GatewaySettings(Section):
    """REST, event streams and the page."""

    # Loopback unless said otherwise.
    host: str = "127.0.0.1"
    port: int = Field(default=8600, ge=0, le=65535)  # 0: a free one
    # postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE, a database for each gateway (its README).
    # Absent: SQLite under the data directory.
    database_url: SecretStr | None = None
    # Holds the token that is admin of everything, one line. Absent: `secrets/token` below
    # `data_dir`, made when it is missing. Others are given by `evenflow token create`.
    token_file: Path | None = None
    # Refuse requests that show no token and no session, on loopback too. False lets everybody who
    # reaches the gateway do everything as the account it runs as; only on loopback.
    require_token: bool = True
    # A session of the page ends after this, whatever is done with it.
    session_lifetime: Duration = timedelta(hours=12)
    # A Unix socket for other accounts of this machine: the kernel says who connects, and no token
    # is needed. Absent: there is none. See docs/accounts.md.
    socket: Path | None = None
    # What accounts may do that come by it; root and the account of the gateway are admins.
    socket_role: Literal["viewer", "member", "operator", "admin"] = "member"
    # In which projects; `*` is every one.
    socket_projects: tuple[str, ...] = ("default",)
    # Accounts of smaller numbers belong to the system: whose user a token names, runs as none.
    lowest_uid: int = Field(default=1000, ge=1)
    # Hosts, besides loopback and `host`, that a request may name in its Host header.
    allowed_hosts: tuple[str, ...] = ()
    # Larger requests are refused (413).
    max_body: ByteSize = 2**20
    # The same for `jobs:batch`.
    max_batch_body: ByteSize = 16 * 2**20
    # A body that is not there whole after this is refused (408).
    body_timeout: PositiveDuration = timedelta(minutes=1)
    # The same for the head of a request.
    head_timeout: PositiveDuration = timedelta(seconds=20)
    # Larger heads are refused (431).
    max_head: ByteSize = 64 * 1024
    # A client that takes nothing of its answer or stream for so long is cut off.
    stalled_timeout: PositiveDuration = timedelta(seconds=30)
    # More connections at a time are refused (503).
    max_connections: int = Field(default=900, ge=1)
    # The same of one address, or of one account on the socket.
    max_connections_of_peer: int = Field(default=450, ge=1)
    # Requests of one user, REST and bus together; more are refused (429) until some time has
    # passed. A batch is one. Admins of everything are not counted. 0: no bound.
    requests_per_second: float = Field(default=300, ge=0, le=1_000_000)
    # A certificate with its chain and its key, both PEM: REST and page speak TLS alone then.
    tls_cert_file: Path | None = None
    # See `tls_cert_file`; without a passphrase.
    tls_key_file: Path | None = None
    # Networks of proxies that are believed for whom they ask (X-Forwarded-For and -Proto), and
    # whose connections are those of many. Nobody else is believed.
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], Field(max_length=100)] = ()
    # Make default/default at start, without limits, when it is not there.
    default_queue: bool = True
    # Ended jobs leave the view when they are older than this.
    keep_ended: Duration = timedelta(days=90)
    # Or when there are more of them than this: the oldest go first.
    keep_ended_rows: int = Field(default=1_000_000, ge=0)

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_cert_file and tls_key_file must be given together")
        return self

    @field_validator("socket")
    @classmethod
    def _check_socket(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_absolute():
            raise ValueError("must be an absolute path")
        if value is not None and len(str(value).encode()) > _LONGEST_SOCKET:
            raise ValueError(f"must be at most {_LONGEST_SOCKET} bytes: a Unix socket's limit")
        return value
