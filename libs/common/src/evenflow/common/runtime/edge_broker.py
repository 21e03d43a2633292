"""The connection on which a service answers requests, apart from that of its log."""

from typing import Any, Final

from faststream.nats import NatsBroker, NatsMessage
from faststream.nats.security import NatsCredentials, NatsSecurity, NatsUserPassword

from evenflow.common.adapters.nats.connection import Credentials
from evenflow.common.runtime.settings import NatsSettings

_ANSWERABLE: Final = ("_INBOX.", "_R_.")


def edge_broker(nats: NatsSettings, name: str) -> NatsBroker:
    """Return a connection for requests alone, with the login and the TLS of the settings.

    Raises:
        AccessDenied: a file of a certificate or of credentials cannot be used.
    """
    return NatsBroker(
        nats.servers,
        name=name,
        security=_security(nats),
        connect_timeout=nats.connect_timeout.total_seconds(),  # type: ignore[arg-type]
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        logger=None,
        decoder=as_it_is,
    )


async def as_it_is(message: NatsMessage) -> bytes:
    """Leave reading to the handler: what breaks in FastStream's own decoder is never answered.

    An answer goes to an inbox or nowhere: the broker sends it with the rights of who answers, so
    that whoever asks with a fact's subject as its reply would have us write the fact.
    """
    if not message.reply_to.startswith(_ANSWERABLE):
        message.reply_to = ""
    return message.body


def _security(nats: NatsSettings) -> NatsSecurity | None:
    options = Credentials(
        file=nats.credentials_file,
        ca_file=nats.ca_file,
        cert_file=nats.cert_file,
        key_file=nats.key_file,
    ).options(nats.url)
    tls: dict[str, Any] = {"ssl_context": options.get("tls"), "use_ssl": "tls" in options}
    if nats.credentials_file:
        return NatsCredentials.from_file(nats.credentials_file, **tls)
    if nats.user:
        password = nats.password.get_secret_value() if nats.password else ""
        return NatsUserPassword(nats.user, password, **tls)
    return NatsSecurity(**tls) if options.get("tls") else None
