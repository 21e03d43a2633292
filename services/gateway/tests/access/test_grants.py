"""What lies in the bucket of tokens and is no grant is refused, whatever it is."""

import json

import pytest

from evenflow.gateway.access.grants import from_json


@pytest.mark.parametrize("roles", [1, None, "member", ["member"], {"a": 1}, {"a": {}}, {"a": "x"}])
def test_roles_that_are_no_words_by_project_are_refused_as_promised(roles: object):
    kept = {
        "digest": "",
        "user": "",
        "roles": roles,
        "created_at": 1,
        "created_by": "",
        "expires_at": None,
        "parent": "",
    }
    with pytest.raises((ValueError, KeyError, TypeError)):
        from_json("token.a", json.dumps(kept).encode())
