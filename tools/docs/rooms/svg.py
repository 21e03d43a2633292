"""A plan as a picture: boxes in rows, arrows down, light or dark as the page is."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Final

from tools.docs.rooms.boxes import box, height_of, width_of
from tools.docs.rooms.curves import Curves, Spot
from tools.docs.rooms.order import in_rows
from tools.docs.rooms.place import GAP, places
from tools.docs.rooms.plan import Plan

WIDTH: Final = 880
"""About what GitHub leaves for a page."""
_MARGIN: Final = 16
_ROW_GAP: Final = 48
_STYLE: Final = """\
  <style>
    text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
      text-anchor: middle; fill: #1f2328 }
    .inside { font-size: 11px; fill: #59636e }
    .page { fill: #ffffff; stroke: #d1d9e0 }
    .room { fill: #ddf4ff; stroke: #54aeff }
    .module { fill: #f6f8fa; stroke: #afb8c1 }
    .circle { fill: #ffebe9; stroke: #cf222e; stroke-dasharray: 4 3 }
    .arrow { fill: none; stroke: #818b98; stroke-width: 1.3 }
    .tip { fill: #818b98 }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc }
      .inside { fill: #9198a1 }
      .page { fill: #0d1117; stroke: #3d444d }
      .room { fill: #121d2f; stroke: #1f6feb }
      .module { fill: #151b23; stroke: #656c76 }
      .circle { fill: #25171c; stroke: #f85149 }
      .arrow { stroke: #7d8590 }
      .tip { fill: #7d8590 }
    }
  </style>
  <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"
    markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0 .5L8 4L0 7.5z"/></marker>"""


def svg(plan: Plan) -> str:
    """Return the picture. Its text can be selected; the same plan gives the same bytes."""
    widths = {name: width_of(rooms) for name, rooms in plan.boxes.items()}
    arrows = [(one, other) for one in plan.arrows for other in sorted(plan.arrows[one])]
    rows = in_rows(_split(plan, widths), arrows)
    middles = places(rows, widths, WIDTH - 2 * _MARGIN)
    spots = {}
    top = _MARGIN
    for row in rows.rows:
        row_height = max(height_of(plan.boxes[name]) for name in row if name in plan.boxes)
        for name in row:
            height = height_of(plan.boxes[name]) if name in plan.boxes else row_height
            middle = middles[name] + _MARGIN
            spots[name] = Spot(middle, top, top + height, widths.get(name, 0))
        top += row_height + _ROW_GAP
    curves = Curves(rows, spots, *rows.neighbours())
    return "\n".join(_picture(plan, spots, curves)) + "\n"


def _picture(plan: Plan, spots: Mapping[str, Spot], curves: Curves) -> Iterator[str]:
    width = max(spot.middle + spot.width // 2 for spot in spots.values()) + _MARGIN
    height = max(spot.bottom for spot in spots.values()) + _MARGIN
    title = f"The rooms of {plan.package}: arrows point from who imports to what is imported"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">'
    )
    yield f"  <title>{escape(title)}</title>"
    yield f"  <desc>{escape('; '.join(_told(plan)))}</desc>"
    yield _STYLE
    yield f'  <rect class="page" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="6"/>'
    yield from curves.drawn()
    for name, rooms in plan.boxes.items():
        yield from box(rooms, spots[name].middle, spots[name].top)
    yield "</svg>"


def _told(plan: Plan) -> Iterator[str]:
    for layer in plan.layers:
        for name in layer:
            if targets := sorted(plan.arrows[name]):
                yield f"{name} imports {', '.join(targets)}"


def _split(plan: Plan, widths: Mapping[str, int]) -> list[list[str]]:
    """Return the layers; one too wide for the picture takes several rows, next importers first."""
    level = {name: number for number, layer in enumerate(plan.layers) for name in layer}
    lowest_importer = dict.fromkeys(level, -1)
    for one, targets in plan.arrows.items():
        for other in targets:
            lowest_importer[other] = max(lowest_importer[other], level[one])
    rows: list[list[str]] = []
    for layer in plan.layers:
        left = 0
        for name in sorted(layer, key=lambda name: (-lowest_importer[name], name)):
            if left < widths[name]:
                rows.append([])
                left = WIDTH - 2 * _MARGIN
            rows[-1].append(name)
            left -= widths[name] + GAP
    return rows
