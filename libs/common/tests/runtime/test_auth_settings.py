"""Settings of who gets in: the socket, the identity provider, and what jobs are given."""

import pytest

from evenflow.common.runtime.settings import InvalidSettings, load


def rule_of(key: str, text: str, tmp_path) -> str:
    config = tmp_path / "evenflow.yaml"
    config.write_text(text)
    with pytest.raises(InvalidSettings) as invalid:
        load(config, environ={}, dotenv=None)
    (problem,) = invalid.value.problems
    assert problem.key.startswith(key)
    return problem.rule


@pytest.mark.parametrize(
    ("key", "text", "told"),
    [
        ("gateway.socket", "gateway: {socket: run/g.sock}", "absolute"),
        ("gateway.socket", f"gateway: {{socket: /{'x' * 107}}}", "at most 107 bytes"),
        ("gateway.socket_role", "gateway: {socket_role: boss}", "viewer"),
        (
            "executor.local.pass_environment",
            "executor: {local: {pass_environment: [EVENFLOW_NATS__PASSWORD]}}",
            "jobs never get it",
        ),
        (
            "executor.local.pass_environment",
            "executor: {local: {pass_environment: ['A=B']}}",
            "no name of a variable",
        ),
        (
            "auth.oidc.issuer",
            "auth: {oidc: {issuer: 'http://id.example.org', client_id: x}}",
            "https",
        ),
        (
            "auth.oidc.issuer",
            "auth: {oidc: {issuer: 'https://id.example.org/?x', client_id: x}}",
            "plain",
        ),
        ("auth.oidc", "auth: {oidc: {issuer: 'https://id.example.org'}}", "client_id"),
        (
            "auth.oidc",
            "auth: {oidc: {issuer: 'https://i.org', client_id: x, scopes: [profile]}}",
            "openid",
        ),
        ("auth.oidc.algorithms", "auth: {oidc: {algorithms: [HS256]}}", "RS256"),
        ("auth.oidc.algorithms", "auth: {oidc: {algorithms: [none]}}", "RS256"),
        ("auth.oidc.roles", "auth: {oidc: {roles: [{group: ml, role: member}]}}", "required"),
    ],
)
def test_what_cannot_be_is_refused_by_name(key: str, text: str, told: str, tmp_path) -> None:
    assert told in rule_of(key, text, tmp_path)


def test_tokens_may_be_made_out_to_every_client_that_is_set() -> None:
    environ = {
        "EVENFLOW_AUTH__OIDC__ISSUER": "http://127.0.0.1:9/",
        "EVENFLOW_AUTH__OIDC__CLIENT_ID": "page",
        "EVENFLOW_AUTH__OIDC__ROLES": '[{"group": "ml", "role": "admin", "projects": ["*"]}]',
    }
    oidc = load(environ=environ, dotenv=None).auth.oidc
    assert (oidc.device_client, oidc.audiences) == ("page", frozenset({"page"}))
    assert oidc.roles[0].projects == ("*",)
