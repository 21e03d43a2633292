"""What the command must know to sign somebody in at the provider."""

from typing_extensions import TypedDict


class DeviceSignIn(TypedDict):
    """Where and as which client a program without a browser signs somebody in (RFC 8628)."""

    issuer: str
    client_id: str
    scope: str
    audience: str | None
    device_authorization_endpoint: str
    token_endpoint: str
    bearer: str
