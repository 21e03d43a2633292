"""Settings: which source wins, which keys are accepted, and that every problem is told at once."""

from datetime import timedelta
from pathlib import Path

import pytest

from evenflow.common.runtime.settings import InvalidSettings, Settings, load


def problems_of(environ: dict[str, str], config: Path | None = None) -> dict[str, str]:
    with pytest.raises(InvalidSettings) as invalid:
        load(config, environ=environ, dotenv=None)
    return {problem.key: problem.rule for problem in invalid.value.problems}


def test_environment_wins_over_dotenv_over_file_over_defaults(tmp_path: Path) -> None:
    config, dotenv = tmp_path / "evenflow.yaml", tmp_path / ".env"
    config.write_text(
        "scheduler: {policy: fifo, interval: 3s, maxPlacements: 7}\nusage: {half_life: 2h}\n"
    )
    dotenv.write_text(
        "# development\nexport SCHEDULING_POLICY='priority'\nEVENFLOW_LOG__LEVEL=debug"
    )
    environ = {"EVENFLOW_CONFIG": str(config), "EVENFLOW_LOG__LEVEL": "error"}
    settings = load(environ=environ, dotenv=dotenv)
    assert settings.log.level == "error"
    assert settings.scheduler.policy == "priority"
    assert settings.scheduler.interval == timedelta(seconds=3)
    assert settings.scheduler.max_placements == 7
    assert settings.usage.half_life == timedelta(hours=2)
    assert settings.usage.max_staleness == timedelta(minutes=5)


def test_our_own_variable_wins_over_its_alias() -> None:
    environ = {"SCHEDULING_POLICY": "fifo", "EVENFLOW_SCHEDULER__POLICY": "priority"}
    assert load(environ=environ, dotenv=None).scheduler.policy == "priority"


def test_the_names_of_the_sources_are_accepted(tmp_path: Path) -> None:
    config = tmp_path / "evenflow.yaml"
    config.write_text("usage: {decayHalfLife: 12h, pollInterval: 30, maxStaleness: 2m}\nlog:\n")
    usage = load(config, environ={}, dotenv=None).usage
    assert usage.half_life == timedelta(hours=12)
    assert usage.poll_interval == timedelta(seconds=30)


def test_all_problems_are_told_at_once_with_key_value_and_rule(tmp_path: Path) -> None:
    config = tmp_path / "evenflow.yaml"
    config.write_text(
        "usage: {halfLive: 1h, pollInterval: -5s}\nschedular: {policy: fifo}\nredis: 6379\n"
    )
    found = problems_of({"EVENFLOW_GATEWAY__PORT": "http", "EVENFLOW_CLUSTR": "local"}, config)
    assert "usage.half_life" in found["usage.half_live"]
    assert found["usage.poll_interval"] == "must not be negative"
    assert "scheduler" in found["schedular"]
    assert "is a section" in found["redis"]
    assert "integer" in found["gateway.port"]
    assert "cluster" in found["clustr"]


def test_the_variables_of_a_running_job_are_not_settings() -> None:
    environ = {"EVENFLOW_JOB_ID": "x", "EVENFLOW_URL": "http://h", "EVENFLOW_TASK_INDEX": "0"}
    assert load(environ=environ, dotenv=None) == Settings()


@pytest.mark.parametrize(
    ("environ", "key", "rule"),
    [
        pytest.param(
            {"EVENFLOW_CLUSTER": "simulated:0x8"}, "cluster", "simulated:100x8", id="no nodes"
        ),
        pytest.param(
            {"EVENFLOW_CLOCK__SPEED": "10"}, "settings", "simulated cluster", id="fast real work"
        ),
        pytest.param(
            {"EVENFLOW_NATS__URL": "http://h:1"}, "nats.url", "nats or tls", id="not a broker"
        ),
        pytest.param(
            {"EVENFLOW_REDIS__URL": "redis://:pw@h"}, "redis.url", "password_file", id="open secret"
        ),
        pytest.param(
            {"EVENFLOW_NATS__PASSWORD_FILE": "/nowhere"}, "nats", "cannot be read", id="no secret"
        ),
        pytest.param(
            {"EVENFLOW_LOG_STORE__MAX_BYTES": "lots"}, "log_store.max_bytes", "Gi", id="no size"
        ),
    ],
)
def test_a_value_outside_its_rule_is_refused(environ: dict[str, str], key: str, rule: str) -> None:
    assert rule in problems_of(environ)[key]


def test_secrets_come_from_files_and_are_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "nats"
    secret.write_text("s3cret\n")
    settings = load(environ={"EVENFLOW_NATS__PASSWORD_FILE": str(secret)}, dotenv=None)
    assert settings.nats.password is not None
    assert settings.nats.password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings) + settings.model_dump_json()


def test_a_problem_never_shows_a_secret(tmp_path: Path) -> None:
    secret = tmp_path / "nats"
    secret.write_text("s3cret")
    environ = {
        "EVENFLOW_NATS__PASSWORD_FILE": str(secret),
        "EVENFLOW_NATS__PASSWORD": "0pen",
        "EVENFLOW_REDIS__PASSWORD": '["0pen"]',
        "EVENFLOW_REDIS__URL": "redis://:0pen@h",
    }
    with pytest.raises(InvalidSettings) as invalid:
        load(environ=environ, dotenv=None)
    assert "0pen" not in str(invalid.value)
    assert "s3cret" not in str(invalid.value)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        pytest.param("a: [", "is not YAML", id="broken"),
        pytest.param("- a\n- b\n", "mapping", id="a list"),
        pytest.param(None, "cannot be read", id="missing"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | None, rule: str
) -> None:
    config = tmp_path / "evenflow.yaml"
    if content is not None:
        config.write_text(content)
    assert rule in problems_of({}, config)["config"]


def test_a_simulated_cluster_is_read_and_may_be_fast() -> None:
    environ = {"EVENFLOW_CLUSTER": "simulated:100x8", "EVENFLOW_CLOCK__SPEED": "10000"}
    choice = load(environ=environ, dotenv=None).cluster_choice
    assert (choice.is_simulated, choice.nodes, choice.gpus_per_node) == (True, 100, 8)
