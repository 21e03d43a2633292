"""Settings of usage: windows, stores, and what is refused before anything starts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evenflow.common.runtime.settings import InvalidSettings, UsageSettings, load
from evenflow.common.testing.installed import install, on_path


def usage_of(**environ: str) -> UsageSettings:
    variables = {f"EVENFLOW_USAGE__{name.upper()}": value for name, value in environ.items()}
    return load(environ=variables, dotenv=None).usage


def test_the_defaults_are_those_of_the_sources():
    usage = usage_of()
    assert usage.half_life == timedelta(hours=24)
    assert (usage.window_type, usage.window_size) == ("sliding", timedelta(weeks=2))
    assert (usage.poll_interval, usage.max_staleness) == (
        timedelta(seconds=60),
        timedelta(minutes=5),
    )
    assert usage.backend.chosen == "log"


def test_the_names_of_the_sources_choose_window_and_store(tmp_path: Path):
    config = tmp_path / "evenflow.yaml"
    config.write_text(
        """
usage:
  decayHalfLife: 12h
  windowSize: 1w
  windowType: tumbling
  tumblingWindowAnchor: 2026-01-05T00:00:00+01:00
  maxStaleness: 10m
  backend:
    type: prometheus
    prometheus:
      url: http://prometheus:9090/
      queryResolution: 5m
"""
    )
    usage = load(config, environ={}, dotenv=None).usage
    assert usage.window_type == "tumbling"
    assert usage.tumbling_window_anchor == datetime(2026, 1, 4, 23, tzinfo=UTC)
    assert usage.backend.prometheus.url == "http://prometheus:9090"
    assert usage.backend.prometheus.query_resolution == timedelta(minutes=5)
    assert usage.sample_life == timedelta(days=8)


def test_a_url_of_prometheus_alone_chooses_it():
    url = {"backend__prometheus__url": "http://p:1"}
    assert usage_of(**url).backend.chosen == "prometheus"
    assert usage_of(**url, backend__influx__url="http://i:1").backend.chosen == "log"
    assert usage_of(**url, backend__type="log").backend.chosen == "log"
    assert usage_of(backend__influx__url="http://i:1").backend.chosen == "log"


def test_a_staleness_below_a_poll_is_raised_to_it():
    usage = usage_of(max_staleness="1s", poll_interval="30s")
    assert usage.max_staleness == timedelta(seconds=30)
    assert usage.model_dump()["max_staleness"] == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("environ", "key", "rule"),
    [
        pytest.param({"half_life": "-1h"}, "usage.half_life", "negative", id="a half-life before"),
        pytest.param({"window_size": "30s"}, "usage", "poll_interval", id="less than a poll"),
        pytest.param({"window_size": "0"}, "usage.window_size", "longer", id="no window"),
        pytest.param({"window_type": "tumbling"}, "usage", "anchor", id="no anchor"),
        pytest.param({"tumbling_window_anchor": "2026-01-05"}, "usage.tumbling_window_anchor",
                     "timezone", id="an anchor somewhere on earth"),
        pytest.param({"tumbling_window_anchor": "soon"}, "usage.tumbling_window_anchor",
                     "datetime", id="no instant"),
        pytest.param({"window_type": "cron"}, "usage", "window_cron", id="no expression"),
        pytest.param({"window_time_zone": "Mars/Base"}, "usage.window_time_zone", "IANA",
                     id="another planet"),
        pytest.param({"window_type": "hopping"}, "usage.window_type", "sliding", id="no type"),
        pytest.param({"backend__type": "sqlite"}, "usage.backend.type",
                     "known are influx, log, memory, prometheus, victoriametrics",
                     id="an unknown store"),
        pytest.param({"backend__type": "influx"}, "usage.backend", "influx.url", id="no url"),
        pytest.param({"backend__prometheus__url": "p:9090"}, "usage.backend.prometheus.url",
                     "http or https", id="no scheme"),
        pytest.param({"backend__prometheus__url": "http://a:b@p"}, "usage.backend.prometheus.url",
                     "password_file", id="an open secret"),
        pytest.param({"backend__prometheus__query": "sum(x)"}, "usage.backend.prometheus.query",
                     "$window", id="a query of no time"),
        pytest.param({"backend__prometheus__metric": 'x{a="b"}'},
                     "usage.backend.prometheus.metric", "pattern", id="no name of a metric"),
        pytest.param({"backend__prometheus__token": "t", "backend__prometheus__user": "u"},
                     "usage.backend.prometheus", "keep one", id="two identities"),
        pytest.param({"backend__prometheus__ca_file": "/nowhere"}, "usage.backend.prometheus",
                     "not a file", id="no certificates"),
        pytest.param({"backend__prometheus__slice": "1s"}, "usage.backend.prometheus",
                     "query_resolution", id="a slice of nothing"),
        pytest.param({"backend__moon__x": "1"}, "usage.backend.moon", "not a setting",
                     id="a section of nobody"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_name(environ: dict[str, str], key: str, rule: str):
    with pytest.raises(InvalidSettings) as invalid:
        usage_of(**environ)
    found = {problem.key: problem.rule for problem in invalid.value.problems}
    assert rule in found[key]


def test_a_token_comes_from_its_file_and_is_never_shown(tmp_path: Path):
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    usage = usage_of(backend__prometheus__token_file=str(secret))
    assert usage.backend.prometheus.token is not None
    assert usage.backend.prometheus.token.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(usage) + usage.model_dump_json()


def test_an_installed_kind_has_a_section_of_its_own(tmp_path: Path):
    points = {"evenflow.usage_backends": {"moon": "moon_usage:KIND"}}
    with on_path(install(tmp_path, "moon-usage", points)):
        usage = usage_of(backend__type="moon", backend__moon__phase="full")
        assert usage.backend.chosen == "moon"
        assert usage.backend.model_dump()["moon"] == {"phase": "full"}
