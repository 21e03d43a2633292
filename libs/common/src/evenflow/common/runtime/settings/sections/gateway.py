"""The section about the gateway: where it listens, whom it lets in, what its view keeps."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr

from evenflow.common.runtime.settings.sections.section import Section
from evenflow.common.runtime.settings.values import ByteSize, Duration


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
    # Hosts, besides loopback and `host`, that a request may name in its Host header.
    allowed_hosts: tuple[str, ...] = ()
    # Larger requests are refused (413).
    max_body: ByteSize = 2**20
    # The same for `jobs:batch`.
    max_batch_body: ByteSize = 16 * 2**20
    # Make default/default at start, without limits, when it is not there.
    default_queue: bool = True
    # Ended jobs leave the view when they are older than this.
    keep_ended: Duration = timedelta(days=90)
    # Or when there are more of them than this: the oldest go first.
    keep_ended_rows: int = Field(default=1_000_000, ge=0)
