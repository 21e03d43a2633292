"""A page: headings, tiles with one number each, plots, tables. Rendered by one template."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from evenflow.common.domain.errors import InvalidValue
from evenflow.simulator.html.palette import Colour, variables
from evenflow.simulator.html.svg import Draw, svg


@dataclass(frozen=True, slots=True)
class Tile:
    """One number that tells most; `tone` is `less`, `more` or empty."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """What a colour of a plot stands for; `mark` is `line`, `dash`, `dot` or `box`."""

    label: str
    colour: Colour
    mark: str = "line"


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing with its heading; `alt` says in words what is to be seen."""

    title: str
    draw: Draw
    size: tuple[float, float]
    alt: str
    keys: Sequence[Key] = ()
    note: str = ""
    is_half: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with a tone of its own."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads; the first `texts` columns are text, the rest numbers."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    texts: int = 1
    note: str = ""
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page, with plots and tables in their order."""

    title: str
    parts: Sequence[Plot | Table]
    lead: str = ""


@dataclass(slots=True)
class Page:
    """All of a report."""

    title: str
    lead: str
    tiles: list[Tile] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def render(page: Page) -> str:
    """Return the page as one HTML document that needs nothing beside it."""
    template = files(__package__).joinpath("page.html.jinja").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    drawn = iter(range(1_000_000))

    def draw(plot: Plot) -> Markup:
        # Names in drawings are escaped by who draws them.
        return Markup(svg(plot.draw, plot.size, f"p{next(drawn)}"))  # noqa: S704 - as said

    return environment.from_string(template).render(
        page=page,
        draw=draw,
        is_plot=lambda part: isinstance(part, Plot),
        cell=lambda value: value if isinstance(value, Cell) else Cell(value),
        light=Markup(variables(is_dark=False)),  # noqa: S704 - our own colours
        dark=Markup(variables(is_dark=True)),  # noqa: S704 - our own colours
    )


def write_page(page: Page, path: Path) -> None:
    """Write a page to a file.

    Raises:
        InvalidValue: the file cannot be written.
    """
    text = render(page)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidValue("--html", str(path), f"cannot be written: {error.strerror}") from error
