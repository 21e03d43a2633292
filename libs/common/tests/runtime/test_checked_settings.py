"""`--check-config` tells all that is wrong; variables that nobody reads are told, and no error."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evenflow.common.runtime.settings.unused import unused_variables


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("EVENFLOW_GATEWAY_PORT", "EVENFLOW_GATEWAY_PORT is not read; EVENFLOW_GATEWAY__PORT is"),
        ("EVENFLOW_GATWAY_PORT", "EVENFLOW_GATWAY_PORT is not read; EVENFLOW_GATEWAY__PORT is"),
        ("EVENFLOW_TOKENFILE", "EVENFLOW_TOKENFILE is not read; EVENFLOW_TOKEN_FILE is"),
        ("EVENFLOW_XYZZY", "EVENFLOW_XYZZY is not read"),
        ("K8S_NAMESPACE", "K8S_NAMESPACE is not read: there is no Kubernetes here"),
        ("SLURM_JOB_ID", "SLURM_JOB_ID is not read: they are of Slurm"),
        ("EXECUTOR_SLURM_URL", "EXECUTOR_SLURM_URL is not read: there is no Slurm here"),
    ],
)
def test_what_is_not_read_is_told_with_what_is(name: str, told: str) -> None:
    (line,) = unused_variables({name: "x", "PATH": "/bin"})
    assert line.startswith(told)


def test_a_family_is_told_in_one_line_and_ours_in_none() -> None:
    family = {f"K8S_{name}": "x" for name in "ABCDE"}
    assert len(unused_variables(family)) == 1
    ours = ("EVENFLOW_CLUSTER", "EVENFLOW_DATA_DIR", "EVENFLOW_JOB_ID", "EVENFLOW_URL")
    assert unused_variables(dict.fromkeys((*ours, "EVENFLOW_GATEWAY__PORT"), "x")) == []


def test_check_config_tells_everything_at_once(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    variables = {
        "EVENFLOW_NATS__CA_FILE": str(tmp_path / "nowhere.pem"),
        "EVENFLOW_NATS__URL": "tls://127.0.0.1:4222",
        "EVENFLOW_GATEWAY__TOKEN_FILE": str(tmp_path / "no-token"),
        "EVENFLOW_GATEWAY__TLS_CERT_FILE": str(tmp_path / "cert.pem"),
        "EVENFLOW_GATEWAY__TLS_KEY_FILE": str(tmp_path / "no-key.pem"),
        "EVENFLOW_GATEWAY_HOST": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "evenflow.gateway", "--check-config"],
        env=os.environ | variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    for key in ("nats.ca_file", "gateway.token_file", "gateway.tls_key_file"):
        assert f"{key} = {tmp_path}" in done.stderr
    assert done.stderr.count("cannot be read: No such file") == 3
    assert "gateway.tls_cert_file" in done.stderr


def test_a_warning_does_not_refuse(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evenflow.binder", "--check-config"],
        env=os.environ | {"EVENFLOW_CLUSTR_NAME": "x", "SLURM_JOB_ID": "7"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "warning: EVENFLOW_CLUSTR_NAME is not read" in done.stderr
    assert "warning: SLURM_JOB_ID is not read" in done.stderr
    assert done.stdout == "the configuration is valid\n"
