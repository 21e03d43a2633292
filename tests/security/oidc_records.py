"""What the OpenID provider of the tests knows: people, clients, codes, refresh tokens."""
# ruff: noqa: ARG002 - the methods' parameters are authlib's

import secrets
import time
from dataclasses import dataclass, field

from authlib.oauth2.rfc6749.models import AuthorizationCodeMixin, ClientMixin, TokenMixin
from authlib.oauth2.rfc8628 import DEVICE_CODE_GRANT_TYPE


@dataclass
class User:
    name: str
    groups: list[str]

    def get_user_id(self):
        return f"id-of-{self.name}"


PEOPLE = {
    "ada": User("ada", ["ml"]),
    "root": User("root", ["ml"]),
    "olga": User("olga", ["ml", "operators"]),
    "nemo": User("nemo", ["visitors"]),
    "ev\te": User("ev\te", ["ml"]),
}


@dataclass
class Client(ClientMixin):
    client_id: str
    secret: str
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token", DEVICE_CODE_GRANT_TYPE)

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        return scope or ""

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri.endswith("/login/oidc/callback")

    def check_client_secret(self, client_secret):
        return bool(self.secret) and secrets.compare_digest(self.secret, client_secret)

    def check_endpoint_auth_method(self, method, endpoint):
        return method == ("client_secret_basic" if self.secret else "none")

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type in self.grant_types


CLIENTS = {
    "page": Client("page", "the-page-secret"),
    "command": Client("command", ""),
    "other-app": Client("other-app", ""),
}


@dataclass
class Code(AuthorizationCodeMixin):
    code: str
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    user: User
    code_challenge: str | None
    code_challenge_method: str | None
    auth_time: int = field(default_factory=lambda: int(time.time()))

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def get_nonce(self):
        return self.nonce

    def get_auth_time(self):
        return self.auth_time

    def get_acr(self):
        return None

    def get_amr(self):
        return None


@dataclass
class Refresh(TokenMixin):
    token: str
    client_id: str
    scope: str
    user: User

    def check_client(self, client):
        return client.get_client_id() == self.client_id

    def get_scope(self):
        return self.scope

    def get_expires_in(self):
        return 3600

    def is_expired(self):
        return False

    def is_revoked(self):
        return self.token not in REFRESH

    def get_user(self):
        return self.user

    def get_client(self):
        return CLIENTS[self.client_id]


REFRESH: dict[str, Refresh] = {}
