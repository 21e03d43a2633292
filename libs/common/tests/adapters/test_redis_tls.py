"""A store of snapshots behind TLS, with a user and a password of its own."""

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from evenflow.common.adapters.redis_snapshots import open_redis
from evenflow.common.runtime.settings import InvalidSettings, load
from evenflow.common.testing.servers.tls import made_certificates, tls_in_front
from evenflow.common.testing.servers.valkey import redis_server

pytestmark = pytest.mark.integration


async def test_rediss_trusts_the_authority_of_the_settings_and_logs_in(tmp_path):
    certificates = made_certificates(tmp_path)
    with redis_server() as server, tls_in_front(server.port, certificates) as port:
        plain = Redis.from_url(server.url)
        await plain.execute_command("ACL SETUSER ann on >pw ~* +@all")
        await plain.aclose()
        url = f"rediss://127.0.0.1:{port}/0"
        ca, right, wrong = certificates.ca, "pw", "no"
        async with open_redis(url, user="ann", password=right, ca_file=ca) as client:
            assert await client.execute_command("ACL WHOAMI") in (b"ann", "ann")
        async with open_redis(url, user="ann", password=right) as client:
            with pytest.raises(RedisError, match="certificate"):
                await client.ping()
        async with open_redis(url, user="ann", password=wrong, ca_file=ca) as client:
            with pytest.raises(RedisError):
                await client.ping()


def test_an_authority_without_tls_is_refused(tmp_path):
    environ = {"EVENFLOW_REDIS__CA_FILE": str(tmp_path / "ca.pem")}
    with pytest.raises(InvalidSettings, match="rediss://"):
        load(environ=environ, dotenv=None)
