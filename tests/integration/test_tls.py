"""`evenflow up` whose gateway speaks TLS: it becomes ready, and the command talks to it."""

import os
import subprocess
from pathlib import Path

import httpx
import pytest

from evenflow.common.testing.servers.tls import made_certificates
from tests.chaos.system import EVENFLOW, System

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


async def test_up_and_the_command_speak_tls(tmp_path: Path) -> None:
    made = made_certificates(tmp_path / "tls")
    config = f"gateway: {{tls_cert_file: {made.cert}, tls_key_file: {made.key}}}\n"
    system = System(tmp_path / "home", config=config)
    try:
        await system.start("--cluster", "simulated:2x8")
        assert system.state.url.startswith("https://127.0.0.1:")

        def status(**more: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [EVENFLOW, "status"],
                env={**os.environ, **system.environment, **more},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

        trusting = status(EVENFLOW_CA_FILE=str(made.ca))
        assert trusting.returncode == 0, trusting.stderr
        assert "CERTIFICATE_VERIFY_FAILED" in status().stderr
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{system.port}/readyz")
    finally:
        await system.end()
