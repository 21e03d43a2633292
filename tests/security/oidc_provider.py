"""An OpenID provider as a process of its own; prints its issuer when it listens.

The protocol is authlib's server side: authorization code with PKCE, device flow, refresh. What is
ours are the people, the clients, a login form without passwords, and keys that rotate.
"""
# ruff: noqa: ARG002 - the methods' parameters are authlib's

import json
import os
import secrets
import sys
import threading
import time
from typing import ClassVar

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import (
    DeviceAuthorizationEndpoint,
    DeviceCodeGrant,
    DeviceCredentialDict,
)
from authlib.oidc.core.grants import OpenIDCode, OpenIDToken
from flask import Flask, jsonify, redirect, request, url_for
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

from tests.security.oidc_records import CLIENTS, PEOPLE, REFRESH, Code, Refresh, User

ID_TOKEN_SECONDS = 300


CODES: dict[str, Code] = {}
DEVICES: dict[str, dict] = {}
GRANTS: dict[str, tuple[User, bool]] = {}
KEYS: list[RSAKey] = []


def new_key():
    KEYS.insert(
        0, RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"})
    )
    del KEYS[2:]


def issuer():
    return request.host_url.rstrip("/")


class _Claims:
    def get_jwt_config(self, grant=None, client=None):
        return {"key": KEYS[0], "alg": "RS256", "iss": issuer(), "exp": ID_TOKEN_SECONDS}

    def resolve_client_private_key(self, client):
        return KEYS[0]

    def get_client_algorithm(self, client):
        return "RS256"

    def get_encode_header(self, client):
        return {"alg": "RS256", "typ": "JWT", "kid": KEYS[0].kid}

    def generate_user_info(self, user, scope):
        return {
            "sub": user.get_user_id(),
            "preferred_username": user.name,
            "groups": user.groups,
        }


class IdTokenOfCode(_Claims, OpenIDCode):
    def exists_nonce(self, nonce, req):
        return any(each.nonce == nonce for each in CODES.values())


class IdTokenOfDevice(_Claims, OpenIDToken):
    pass


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_basic", "none"]

    def save_authorization_code(self, code, req):
        data = req.payload.data
        CODES[code] = Code(
            code,
            req.client.client_id,
            req.payload.redirect_uri,
            req.payload.scope,
            data.get("nonce"),
            req.user,
            data.get("code_challenge"),
            data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code, client):
        found = CODES.get(code)
        return found if found and found.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code):
        CODES.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code):
        return authorization_code.user


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_basic", "none"]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        return REFRESH.get(refresh_token)

    def authenticate_user(self, refresh_token):
        return refresh_token.user

    def revoke_old_credential(self, refresh_token):
        REFRESH.pop(refresh_token.token, None)


class DeviceGrant(DeviceCodeGrant):
    def query_device_credential(self, device_code):
        found = DEVICES.get(device_code)
        return DeviceCredentialDict(found) if found else None

    def query_user_grant(self, user_code):
        return GRANTS.get(user_code)

    def should_slow_down(self, credential):
        return False


class DeviceEndpoint(DeviceAuthorizationEndpoint):
    INTERVAL = 1

    def get_verification_uri(self):
        return f"{issuer()}/device"

    def save_device_credential(self, client_id, scope, data):
        DEVICES[data["device_code"]] = {
            "client_id": client_id,
            "scope": scope,
            "expires_at": time.time() + data["expires_in"],
            **data,
        }


def access_token(client, grant_type, user, scope):
    """An access token as a JWT (RFC 9068), made out to whom the request named, else the client."""
    now = int(time.time())
    audience = request.form.get("audience") or client.client_id
    claims = {
        "iss": issuer(),
        "aud": audience,
        "sub": user.get_user_id(),
        "preferred_username": user.name,
        "groups": user.groups,
        "client_id": client.client_id,
        "iat": now,
        "exp": now + ID_TOKEN_SECONDS,
        "jti": secrets.token_hex(8),
    }
    return jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": KEYS[0].kid}, claims, KEYS[0])


def save_token(token, req):
    if "refresh_token" in token:
        scope = token.get("scope", "")
        REFRESH[token["refresh_token"]] = Refresh(
            token["refresh_token"], req.client.client_id, scope, req.user
        )


app = Flask(__name__)
app.config.update(
    OAUTH2_ACCESS_TOKEN_GENERATOR=access_token,
    OAUTH2_REFRESH_TOKEN_GENERATOR=True,
    OAUTH2_TOKEN_EXPIRES_IN={"authorization_code": ID_TOKEN_SECONDS},
)
server = AuthorizationServer(app, query_client=CLIENTS.get, save_token=save_token)
server.register_grant(CodeGrant, [IdTokenOfCode(require_nonce=True), CodeChallenge(required=True)])
server.register_grant(RefreshGrant, [IdTokenOfDevice()])
server.register_grant(DeviceGrant, [IdTokenOfDevice()])
server.register_endpoint(DeviceEndpoint)


@app.get("/.well-known/openid-configuration")
def discovery():
    return jsonify(
        issuer=issuer(),
        authorization_endpoint=f"{issuer()}/authorize",
        token_endpoint=f"{issuer()}/token",
        jwks_uri=f"{issuer()}/keys",
        device_authorization_endpoint=f"{issuer()}/device_authorization",
        response_types_supported=["code"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=["RS256"],
        code_challenge_methods_supported=["S256"],
    )


@app.get("/keys")
def keys():
    return jsonify(keys=[key.as_dict(private=False) for key in KEYS])


@app.get("/authorize")
def authorize_form():
    server.get_consent_grant(end_user=PEOPLE["ada"])
    return "<form method=post><input name=user><button id=go>Sign in</button></form>"


@app.post("/authorize")
def authorize():
    user = PEOPLE.get(request.form["user"])
    grant = server.get_consent_grant(end_user=user)
    return server.create_authorization_response(grant=grant, grant_user=user)


@app.post("/token")
def token():
    return server.create_token_response()


@app.post("/device_authorization")
def device_authorization():
    return server.create_endpoint_response(DeviceEndpoint.ENDPOINT_NAME)


@app.post("/device")
def device():
    GRANTS[request.form["user_code"]] = (
        PEOPLE[request.form["user"]],
        request.form.get("answer", "yes") == "yes",
    )
    return "you may go back to your device"


@app.post("/rotate")
def rotate():
    new_key()
    return redirect(url_for("keys"), 303)


def main():
    new_key()
    # It ends with who started it: nobody is left behind.
    threading.Thread(target=lambda: (sys.stdin.read(), _end()), daemon=True).start()
    listening = make_server("127.0.0.1", 0, app, threaded=True)
    print(json.dumps({"issuer": f"http://127.0.0.1:{listening.port}"}), flush=True)
    listening.serve_forever()


def _end():
    os._exit(0)


if __name__ == "__main__":
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # http on loopback
    main()
