"""The tables of ARCHITECTURE.md lead to files that are there and have what is named."""

import re
from functools import cache
from pathlib import Path

import pytest

from tools.checks.modules import Module, read_modules

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, without its head."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


QUESTIONS = rows("Find it by path")
PATH = re.compile(r"`((?:libs|services|tools|examples|tests|docs)/[\w./-]+)`")


@pytest.mark.parametrize("row", rows("To change X, open Y"), ids=lambda row: row[0])
def test_a_row_of_what_to_change_names_paths_from_the_root_that_exist(row):
    paths = PATH.findall(row[1])

    assert paths, "names no path"
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    ("question", "file", "there"), QUESTIONS, ids=[row[0] for row in QUESTIONS]
)
def test_the_answer_to_a_question_is_in_the_file_that_is_named(question, file, there):
    path, definition = PATH.fullmatch(file), there.strip("`")

    assert path, "names no path"
    assert question.endswith("?")
    assert path[1] in files_with(definition), f"{definition} is in {files_with(definition)}"


def test_eight_questions_are_answered():
    assert len(QUESTIONS) >= 8


def files_with(definition: str) -> list[str]:
    """Return the files of source in which the class or function is defined at the top."""
    line = re.compile(rf"^(?:async )?{re.escape(definition)}\b", re.MULTILINE)
    return [str(each.path) for each in modules() if line.search(each.source)]


@cache
def modules() -> list[Module]:
    return list(read_modules().values())
