"""How the gateway listens: bounds of connections, and TLS, as the settings say."""

import ssl

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.runtime.http.connections import ConnectionLimits
from evenflow.common.runtime.settings.problems import reporting
from evenflow.common.runtime.settings.sections.gateway import GatewaySettings


def limits_of(settings: GatewaySettings) -> ConnectionLimits:
    """Return the bounds of one listening socket."""
    return ConnectionLimits(
        total=settings.max_connections,
        of_a_peer=settings.max_connections_of_peer,
        head_seconds=settings.head_timeout.total_seconds(),
        head_bytes=settings.max_head,
        stalled_seconds=settings.stalled_timeout.total_seconds(),
        proxies=tuple(settings.trusted_proxies),
    )


def tls_of(settings: GatewaySettings) -> ssl.SSLContext | None:
    """Return what TLS is spoken with; None: none is spoken.

    Raises:
        InvalidValue: the files cannot be read, hold nothing of the kind, or do not fit.
    """
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file, password=_none)
    except (OSError, ValueError) as error:
        shown = f"{settings.tls_cert_file}, {settings.tls_key_file}"
        rule = f"must be a certificate and its own key, both PEM and readable: {error}"
        raise InvalidValue("gateway.tls_cert_file", shown, rule) from error
    return context


def check_listening(settings: GatewaySettings) -> None:
    """Judge before anything is started; raises InvalidSettings."""
    with reporting("gateway.tls_cert_file", str(settings.tls_cert_file)):
        tls_of(settings)


def _none() -> str:
    raise ValueError("the key asks for a passphrase; keep it in a file without, of mode 0600")
