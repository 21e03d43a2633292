"""The maps of ARCHITECTURE.md show every room, every arrow points down, and none grows old."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tools.checks.modules import imports_of, read_modules
from tools.docs.rooms import drawn
from tools.docs.rooms.order import crossings, in_rows
from tools.docs.rooms.plan import Plan, plan_of
from tools.docs.rooms.svg import svg

ROOT = Path(__file__).resolve().parents[2]
MAPPED = re.findall(r"<!-- rooms:begin ([\w.]+) -->", (ROOT / "ARCHITECTURE.md").read_text())
INN = "libs/inn/src/evenflow/inn"
PAGE = "# Inn\n\n<!-- rooms:begin evenflow.inn -->\n<!-- rooms:end -->\n\nThe end.\n"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    modules = read_modules()
    imports = imports_of(modules)
    return {
        package: plan_of(package, modules, imports, with_inside=package == "evenflow")
        for package in MAPPED
    }


@pytest.fixture
def inn(tmp_path):
    """A house whose kitchen needs the cellar, and whose hall needs both."""
    plant(tmp_path, "ARCHITECTURE.md", PAGE)
    for room, line in {
        "hall": "from evenflow.inn.kitchen import soup\nfrom evenflow.inn.cellar import wine\n",
        "kitchen": "import evenflow.inn.cellar.wine\n",
        "cellar": "",
    }.items():
        name = {"hall": "desk", "kitchen": "soup", "cellar": "wine"}[room]
        plant(tmp_path, f"{INN}/{room}/__init__.py", f'"""What the {room} is for.\n\nMore."""\n')
        plant(tmp_path, f"{INN}/{room}/{name}.py", line)
    plant(tmp_path, f"{INN}/__init__.py", "")
    plant(tmp_path, f"{INN}/bell.py", '"""Rings | sings (INN-01, INN-02)."""\n')
    return tmp_path


def plant(tree: Path, path: str, text: str) -> None:
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text(text)


def inn_plan(tree: Path) -> Plan:
    modules = read_modules(tree)
    return plan_of("evenflow.inn", modules, imports_of(modules), with_inside=False)


def named(names: str) -> list[list[str]]:
    return [layer.split() for layer in names.split(" / ")]


@pytest.mark.parametrize("package", MAPPED)
def test_a_map_shows_every_room(plans, package):
    folders = [
        path.parent.name
        for source in ROOT.glob("*/*/src")
        for path in source.glob(f"{package.replace('.', '/')}/*/__init__.py")
    ]
    assert {room.name for room in plans[package].rooms() if room.is_package} == set(folders)


@pytest.mark.parametrize("package", MAPPED)
def test_every_arrow_points_down(plans, package):
    plan = plans[package]
    level = {box: number for number, layer in enumerate(plan.layers) for box in layer}

    assert level.keys() == plan.boxes.keys()
    assert [
        (one, other)
        for one, targets in plan.arrows.items()
        for other in targets
        if level[one] >= level[other]
    ] == []


@pytest.mark.parametrize("package", MAPPED)
def test_a_picture_fits_the_page_and_no_two_boxes_touch(plans, package):
    picture = ET.fromstring(svg(plans[package]))  # noqa: S314 - written right here
    page, *rects = [
        tuple(float(each.attrib[name]) for name in ("x", "y", "width", "height"))
        for each in picture.findall(f"{SVG}rect")
    ]

    assert page[2] <= 1000  # what a wide page of GitHub shows
    assert len(rects) == len(plans[package].boxes)
    for number, (x, y, width, height) in enumerate(rects):
        assert x >= page[0]
        assert x + width <= page[0] + page[2]
        for left, top, other_width, other_height in rects[:number]:
            is_aside = x >= left + other_width or left >= x + width
            assert is_aside or y >= top + other_height or top >= y + height


@pytest.mark.parametrize("package", MAPPED)
def test_names_stand_in_a_picture_as_text_and_colours_for_the_dark(plans, package):
    text = svg(plans[package])
    labels = [each.text for each in ET.fromstring(text).findall(f"{SVG}text")]  # noqa: S314

    assert {room.label for room in plans[package].rooms()} <= set(labels)
    assert "@media (prefers-color-scheme: dark)" in text


def test_layers_follow_the_longest_path_and_what_follows_is_left_out(inn):
    plan = inn_plan(inn)

    assert [list(layer) for layer in plan.layers] == named("hall / kitchen / bell cellar")
    assert {one: sorted(targets) for one, targets in plan.arrows.items() if targets} == {
        "hall": ["kitchen"],
        "kitchen": ["cellar"],
    }


def test_an_import_for_types_alone_is_an_arrow(inn):
    line = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import evenflow.inn.bell\n"
    plant(inn, f"{INN}/cellar/wine.py", line)

    assert inn_plan(inn).arrows["cellar"] == {"bell"}


def test_rooms_that_import_each_other_are_one_box_that_says_so(inn):
    plant(inn, f"{INN}/cellar/wine.py", "import evenflow.inn.kitchen.soup")
    plan = inn_plan(inn)

    assert [list(layer) for layer in plan.layers] == [["hall"], ["bell", "cellar kitchen"]]
    assert 'class="circle"' in svg(plan)
    assert "import each other" in svg(plan)


def test_the_table_says_what_each_room_is_for_from_top_to_bottom(inn):
    page = drawn(inn)[inn / "ARCHITECTURE.md"]

    assert page == (
        "# Inn\n\n<!-- rooms:begin evenflow.inn -->\n\n"
        "![The rooms of evenflow.inn, top to bottom](docs/images/rooms-inn.svg)\n\n"
        "| Room | What it is for |\n|---|---|\n"
        f"| [`hall`]({INN}/hall) | What the hall is for. |\n"
        f"| [`kitchen`]({INN}/kitchen) | What the kitchen is for. |\n"
        f"| [`bell.py`]({INN}/bell.py) | Rings \\| sings. |\n"
        f"| [`cellar`]({INN}/cellar) | What the cellar is for. |\n\n"
        "<!-- rooms:end -->\n\nThe end.\n"
    )


@pytest.mark.parametrize(
    ("path", "text", "changed"),
    [
        pytest.param(
            f"{INN}/cellar/wine.py",
            "import evenflow.inn.bell",
            {"ARCHITECTURE.md", "rooms-inn.svg"},
            id="an import",
        ),
        pytest.param(
            f"{INN}/cellar/__init__.py", '"""Cool."""', {"ARCHITECTURE.md"}, id="what a room is for"
        ),
        pytest.param(
            f"{INN}/attic/__init__.py", "", {"ARCHITECTURE.md", "rooms-inn.svg"}, id="a room"
        ),
        pytest.param(
            "ARCHITECTURE.md",
            PAGE.replace("evenflow.inn ", "evenflow "),
            {"ARCHITECTURE.md", "rooms.svg"},
            id="another map",
        ),
    ],
)
def test_a_change_makes_stale_what_shows_it(inn, path, text, changed):
    for file, wanted in drawn(inn).items():
        plant(inn, str(file.relative_to(inn)), wanted)
    assert all(file.read_text() == wanted for file, wanted in drawn(inn).items())

    plant(inn, path, text)
    assert {
        file.name
        for file, wanted in drawn(inn).items()
        if not file.exists() or file.read_text() != wanted
    } == changed


def test_the_same_tree_gives_the_same_bytes_in_every_process(inn):
    program = (
        "import sys, pathlib; from tools.docs.rooms import drawn;"
        "sys.stdout.write(''.join(drawn(pathlib.Path(sys.argv[1])).values()))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program, ROOT],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_boxes_are_ordered_so_that_arrows_do_not_cross_where_they_need_not():
    layers = [["a", "b", "c"], ["d", "e", "f"], ["g"]]
    arrows = [("a", "f"), ("b", "e"), ("c", "d"), ("a", "g"), ("e", "g")]
    rows = in_rows(layers, arrows)

    assert crossings(layers, [arrow for arrow in arrows if arrow[1] in layers[1]]) == 3
    assert crossings(rows.rows, rows.links) == 0


def test_the_task_fails_on_a_stale_map_and_on_one_that_nothing_asks_for(tmp_path):
    ignored = shutil.ignore_patterns(".*", "__pycache__", "evenflow-data")
    shutil.copytree(ROOT, tmp_path / "tree", ignore=ignored)
    plant(tmp_path / "tree", "libs/common/src/evenflow/common/domain/attic/__init__.py", "")
    plant(tmp_path / "tree", "docs/images/rooms-barn.svg", "")

    done = subprocess.run(
        [sys.executable, "-m", "tools.docs", "--check"],
        cwd=tmp_path / "tree",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "docs/images/rooms-common-domain.svg is not what the code says" in done.stdout
    assert "docs/images/rooms-barn.svg is not what the code says" in done.stdout
    assert done.stdout.endswith("3 stale\n")
