"""What the pages name is there: files, tests, links, tasks and commands."""

import re
from pathlib import Path

import pytest

from evenflow.cli.registry import COMMANDS
from evenflow.common.contracts.subjects import KINDS
from evenflow.common.runtime.settings.sources import KEY_ALIASES, known_keys

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("services/*/README.md"),
        *ROOT.glob("examples/*/README.md"),
    ]
)
DECISIONS = sorted(ROOT.glob("docs/adr/0*.md"))
FACTS = {kind for kind in KINDS if "-" not in kind}  # `clock.set` reads like a setting
PARTS = ("Status", "Context", "Decision", "Consequences", "Alternatives", "Enforced by")


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def change_beside(page: Path) -> str:
    """Return the patch that the page of an example tells of; that of all examples tells of all."""
    where = "examples/*" if page.name == "CONTRIBUTING.md" else "."
    return "".join(change.read_text() for change in page.parent.glob(f"{where}/change.diff"))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_path_from_the_root_exists(page):
    paths = re.findall(
        r"`((?:libs|services|tests|tools|docs|examples)/[\w./-]+)`", page.read_text()
    )

    added = re.findall(r"^\+\+\+ b/(.+)$", change_beside(page), re.MULTILINE)
    assert [path for path in paths if path not in added and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_task_exists(page):
    tasks = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = set(re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE))

    assert told - tasks == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_exists(page):
    told = re.findall(r"(?:^    (?:\$ )?|`)evenflow ([a-z][a-z-]*)", page.read_text(), re.MULTILINE)

    added = re.findall(r'^\+ +"([a-z-]+)": Command\(', change_beside(page), re.MULTILINE)
    assert set(told) - {*COMMANDS, *added} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_setting_exists(page):
    keys = {*known_keys(), *KEY_ALIASES}
    sections = {key.partition(".")[0] for key in keys if "." in key}
    told = re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", page.read_text())
    files = {name for name in told if name.endswith(".py")}
    settings = {name for name in told if name.partition(".")[0] in sections} - files

    assert {name for name in settings if not any(key.startswith(name) for key in keys)} <= FACTS


@pytest.mark.parametrize("page", DECISIONS, ids=named)
def test_a_decision_has_all_its_parts_in_order(page):
    text = page.read_text()
    places = [text.find(f"\n**{part}**") for part in PARTS]

    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("page", DECISIONS, ids=named)
def test_a_decision_is_enforced_by_tests_that_exist(page):
    enforced = page.read_text().partition("**Enforced by**")[2]
    files = re.findall(r"`([\w./-]+\.py)`", enforced)
    tests = re.findall(r"`(test_\w+)`", enforced)
    known = "".join((ROOT / file).read_text() for file in files)

    assert files
    assert [test for test in tests if f"def {test}(" not in known] == []
