"""Parts that others add: found by name, imported when chosen, refused when two claim a name."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import pytest

from evenflow.common.ports.cluster import ClusterKind
from evenflow.common.runtime.clusters import CLUSTERS
from evenflow.common.runtime.registry import (
    BrokenPlugin,
    NameTaken,
    Registry,
    UnknownPlugin,
    installed_names,
)
from evenflow.common.testing.installed import install, on_path


@dataclass
class Part:
    name: str


def is_part(part: object) -> TypeGuard[Part]:
    return type(part).__name__ == "Part"


def a_registry(**built_in: str) -> Registry[Part]:
    return Registry("parts", is_part, {"plain": "plain_part:PLAIN"} | built_in)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    (tmp_path / "plain_part.py").write_text(
        "class Part:\n    def __init__(self, name): self.name = name\n"
        "PLAIN = Part('plain')\nODD = Part('another')\n"
    )
    return tmp_path


def a_distribution(folder: Path, name: str, **points: str) -> Path:
    source = "from plain_part import Part\nROUND = Part('round')\nFIFTH = 5\n"
    return install(folder / name, name, {"evenflow.parts": points}, round_part=source)


def test_an_installed_distribution_adds_to_the_family(ours: Path) -> None:
    with on_path(ours, a_distribution(ours, "rounds", round="round_part:ROUND")):
        registry = a_registry()
        assert registry.names() == ("plain", "round")
        assert installed_names("parts") == ("round",)
        assert registry.get("round").name == "round"
        assert list(registry.every()) == ["plain", "round"]


def test_only_what_is_chosen_is_imported_and_only_once(ours: Path) -> None:
    with on_path(ours, a_distribution(ours, "rounds", round="round_part:ROUND")):
        registry = a_registry()
        assert registry.get("plain") is registry.get("plain")
        assert "round_part" not in sys.modules
        registry.get("round")
        assert "round_part" in sys.modules


def test_an_unknown_name_lists_the_known_ones(ours: Path) -> None:
    with (
        on_path(ours, a_distribution(ours, "rounds", round="round_part:ROUND")),
        pytest.raises(UnknownPlugin, match="no 'square' among parts; known are plain, round"),
    ):
        a_registry().get("square")


def test_a_taken_name_is_an_error_that_names_both(ours: Path) -> None:
    first = a_distribution(ours, "rounds", round="round_part:ROUND")
    second = a_distribution(ours, "circles", round="round_part:FIFTH")
    with on_path(ours, first, second), pytest.raises(NameTaken) as taken:
        a_registry().get("plain")
    assert "distribution rounds (round_part:ROUND)" in str(taken.value)
    assert "distribution circles (round_part:FIFTH)" in str(taken.value)


def test_what_comes_with_evenflow_cannot_be_replaced(ours: Path) -> None:
    with (
        on_path(ours, a_distribution(ours, "rounds", plain="round_part:ROUND")),
        pytest.raises(NameTaken, match=r"claimed by evenflow itself .* and by distribution rounds"),
    ):
        a_registry().names()


def test_a_name_is_registered_in_code_once() -> None:
    registry = a_registry()
    registry.register("new", "plain_part:PLAIN", origin="a test")
    with pytest.raises(NameTaken, match="a test"):
        registry.register("new", "plain_part:PLAIN")


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        pytest.param("no_such_module:X", "ModuleNotFoundError", id="no module"),
        pytest.param("plain_part:MISSING", "AttributeError", id="no attribute"),
        pytest.param("round_part:FIFTH", "has not what a part", id="not a part"),
        pytest.param("plain_part:ODD", "calls itself 'another'", id="another name"),
    ],
)
def test_a_part_that_cannot_be_used_is_told_with_its_origin(
    ours: Path, reference: str, reason: str
) -> None:
    with on_path(ours, a_distribution(ours, "rounds", bad=reference)):
        registry = a_registry()
        registry.get("plain")  # nobody chose the bad one
        with pytest.raises(BrokenPlugin, match=reason) as broken:
            registry.get("bad")
    assert "distribution rounds" in str(broken.value)


@pytest.mark.parametrize("name", ["local", "simulated"])
def test_our_kinds_of_clusters_keep_the_port_and_share_its_name(name: str) -> None:
    kind = CLUSTERS.get(name)
    assert isinstance(kind, ClusterKind)
    assert kind.name == name


def test_what_is_written_otherwise_is_made_a_part_before_it_is_judged(tmp_path: Path) -> None:
    def adapt(name: str, found: object) -> object:
        return Part(name) if found == "only a name" else found

    points = {"evenflow.parts": {"words": "words_part:WORDS"}}
    folder = install(tmp_path, "words", points, words_part="WORDS = 'only a name'")
    with on_path(folder):
        registry = Registry("parts", is_part, {}, adapt=adapt)
        assert registry.get("words").name == "words"
