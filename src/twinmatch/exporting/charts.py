"""Pictures of :mod:`twinmatch.figures.vega` as SVG in a page: no script, no style, no browser, the same bytes each time.

Only what those specifications use is drawn: ranged bars, points and texts over rows with one scale of numbers. The
rows, words, colours and the order are the specification's own, which notebooks show by Altair, so that a picture
says the same everywhere. A general renderer (vl-convert) is no part of the core: 84 MB, and 0.1 s a picture, which
would triple the time of the main job; decision 10 has the figures.

Sheets of figures and charts of the workbook, native to it, in the colours and the order of the report.

A chart reads its figures from the sheets of tables, so what people change there shows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from html import escape
from itertools import groupby
from typing import Any, Final

from markupsafe import Markup

from twinmatch.exporting import words
from twinmatch.exporting.folder_files import Directory, printable
from twinmatch.exporting.spreadsheet import Cell, Kind, Sheet, SheetColumn
from twinmatch.figures.vega import MOST_BARS, STEP, Spec, pictures_of
from twinmatch.proposal import Meeting, Table
from twinmatch.proposal.tables import FairnessRow, SatisfactionRow, ThemeRow
from twinmatch.wording import say, shown, spoken, translated

CHARACTER: Final = 7.0
"""Pixels that a letter of a label takes, at most of the time: 12 px in a wide sans-serif."""

MOST_LABEL: Final = 34
"""Letters of a label; a longer one is cut, and the table has it whole."""

ROOM: Final = 96
"""Pixels to the right of the plot, for the text at the end of a bar."""

TOP: Final = 6
BAR: Final = 16
GRID, INK = "#C9CDD2", "#1F1F1F"

Place = Callable[[float], float]


@dataclass(frozen=True)
class Drawing:
    """A picture as a page has it: title, what is not known, the SVG, and the same figures as a table."""

    title: str
    note: str
    svg: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    language: str = "en"

    def figure(self, twin: bool = True) -> Markup:
        """Return the drawing as a figure of HTML, with its table twin unless the page has those figures beside it."""
        table = self._table() if twin else ""
        return Markup(
            f'<figure class="drawing"><figcaption><strong>{_text(self.title)}</strong> '
            f"<span>{_text(words.sentence(self.note))}</span></figcaption>"
            f'<div class="scroll" role="region" aria-label="{_text(self.title)}" tabindex="0">{self.svg}</div>'
            f"{table}</figure>"
        )

    def _table(self) -> str:
        label = say("{what}: table", what=self.title)
        head = "".join(f'<th scope="col">{_text(column)}</th>' for column in self.columns)
        body = "".join(
            f'<tr><th scope="row">{_text(row[0])}</th>'
            + "".join(f"<td>{_text(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in self.rows
        )
        return (
            f"<details><summary>{_text(shown(say('The same figures as a table'), self.language))}</summary>"
            f'<div class="scroll" role="region" aria-label="{_text(shown(label, self.language))}" tabindex="0">'
            f"<table><caption>{_text(self.title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></details>"
        )


def of_meeting(meeting: Meeting, directory: Directory, language: str = "en") -> tuple[Drawing, ...]:
    """Return the pictures of a meeting in a language: how its score adds up and, where it is known, emissions and readiness.

    In a pair the guest stands first. A meeting of more cities than a picture has room for shows its score alone.
    """
    members = (*meeting.cities("guest"), *(m.city for m in meeting.members if m.role != "guest"))
    cards = [directory.card(city) for city in members] if len(members) <= MOST_BARS else []
    titles = {line.facet: words.facet_title(line.facet) for line in meeting.account.lines}
    found = pictures_of(meeting.account, cards, directory.title(meeting), titles)
    return tuple(drawing(spec, language) for spec in found.values())


def drawing(spec: Spec, language: str = "en") -> Drawing:
    """Return the drawing of a specification of :mod:`twinmatch.figures.vega`, its texts in a language."""
    if language != "en":
        spec = _spoken(spec, language)
    twin = spec["usermeta"]
    return Drawing(
        spec["title"]["text"],
        spec["title"]["subtitle"],
        svg(spec),
        tuple(twin["columns"]),
        tuple(tuple(row) for row in twin["rows"]),
        language,
    )


def _spoken(value: Any, language: str) -> Any:
    """Return a value of JSON with its texts in a language."""
    if isinstance(value, dict):
        return {key: _spoken(part, language) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_spoken(part, language) for part in value]
    return shown(value, language) if isinstance(value, str) else value


def svg(spec: Spec) -> Markup:
    """Return a specification as SVG with a title and a description, drawn by presentation attributes alone."""
    y = spec["encoding"]["y"]
    x = spec["layer"][0]["encoding"]["x"]
    width = float(spec["width"])
    left = 20 + CHARACTER * max(len(_label(name)) for name in y["sort"])
    bottom = TOP + STEP * len(y["sort"])
    low, high = x["scale"]["domain"]
    across = partial(_across, left, width / (high - low), low)
    middle = {name: TOP + STEP * (k + 0.5) for k, name in enumerate(y["sort"])}
    keys = list(_keys(spec["layer"]))
    whole, tall = left + width + ROOM, bottom + 40 + (22 if keys else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 {whole:.0f} {tall:.0f}" '
        f'width="{whole:.0f}" height="{tall:.0f}" role="img" font-family="sans-serif" font-size="12" fill="{INK}">'
        f"<title>{_text(spec['title']['text'])}</title><desc>{_text(spec['description'])}</desc>",
        *_axis(x, across, bottom, left, width),
        f'<g text-anchor="end">{_labels(middle, left)}</g>',
        *(
            _layer(layer, spec["data"]["values"], y["field"], across, middle)
            for layer in spec["layer"]
        ),
        *_legend(keys, left, bottom + 46),
        "</svg>",
    ]
    return Markup("".join(parts))


def _across(left: float, scale: float, low: float, value: float) -> float:
    return left + scale * (value - low)


def _axis(
    x: dict[str, Any], across: Place, bottom: float, left: float, width: float
) -> Iterator[str]:
    """Yield lines of the grid with their numbers, and the title of the axis."""
    low, high = x["scale"]["domain"]
    ticks = x.get("axis", {}).get("values") or [low + (high - low) * k / 5 for k in range(6)]
    lines = "".join(f"M{across(t):.1f} {TOP}V{bottom:.1f}" for t in ticks)
    yield f'<path d="{lines}" stroke="{GRID}" fill="none"/>'
    numbers = "".join(
        f'<text x="{across(t):.1f}" y="{bottom + 15:.1f}">{t:g}</text>' for t in ticks
    )
    title = f'<text x="{left + width / 2:.1f}" y="{bottom + 31:.1f}">{_text(x["title"])}</text>'
    yield f'<g text-anchor="middle" font-size="11">{numbers}{title}</g>'


def _labels(middle: dict[str, float], left: float) -> str:
    return "".join(
        f'<text x="{left - 7:.1f}" y="{at + 4:.1f}">{_text(_label(name))}</text>'
        for name, at in middle.items()
    )


@lru_cache(maxsize=4096)
def _label(name: str) -> str:
    return words.shortened(name, MOST_LABEL)


def _layer(
    layer: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    by: str,
    across: Place,
    middle: dict[str, float],
) -> str:
    """Return one layer of a specification."""
    kinds = {"bar": _bars, "point": _points, "text": _texts}
    marks = "".join(kinds[layer["mark"]["type"]](layer, rows, by, across, middle))
    return f"<g>{marks}</g>"


def _bars(
    layer: dict[str, Any], rows: Any, by: str, across: Place, middle: dict[str, float]
) -> Iterator[str]:
    mark, encoding = layer["mark"], layer["encoding"]
    low, high = encoding["x"]["field"], encoding["x2"]["field"]
    for row in rows:
        start, end = across(row[low]), across(row[high])
        if mark["filled"]:
            edge = f' stroke="{mark["stroke"]}"' if "stroke" in mark else ""
            paint = f'fill="{_painted(encoding["color"], row)}"{edge}'
        else:
            paint = f'fill="none" stroke="{_painted(encoding["stroke"], row)}"'
        yield (
            f'<rect x="{start:.2f}" y="{middle[row[by]] - BAR / 2:.1f}" '
            f'width="{end - start:.2f}" height="{BAR}" {paint}/>'
        )


def _points(
    layer: dict[str, Any], rows: Any, by: str, across: Place, middle: dict[str, float]
) -> Iterator[str]:
    encoding = layer["encoding"]
    names = encoding["yOffset"]["sort"]
    shapes = dict(zip(*_scale(encoding["shape"]), strict=True))
    for row in rows:
        name = row[encoding["yOffset"]["field"]]
        # As far apart as Vega-Lite puts the middles of equal bands: none is hidden behind another.
        apart = (names.index(name) - (len(names) - 1) / 2) * (STEP - 2) / len(names)
        at = across(row[encoding["x"]["field"]]), middle[row[by]] + apart
        yield _shape(shapes[name], *at, _painted(encoding["color"], row))


def _texts(
    layer: dict[str, Any], rows: Any, by: str, across: Place, middle: dict[str, float]
) -> Iterator[str]:
    mark, encoding = layer["mark"], layer["encoding"]
    anchor = ' text-anchor="middle"' if mark["align"] == "center" else ""
    for row in rows:
        said = row[encoding["text"]["field"]]
        if said:
            x = across(row[encoding["x"]["field"]]) + mark["dx"]
            yield (
                f'<text x="{x:.1f}" y="{middle[row[by]] + 4:.1f}" font-size="{mark["fontSize"]}" '
                f'fill="{_painted(encoding["color"], row)}"{anchor}>{_text(said)}</text>'
            )


def _painted(channel: dict[str, Any], row: dict[str, Any]) -> str:
    """Return the colour of a row: the same for all, by its scale, or named in the row itself."""
    if "value" in channel:
        return str(channel["value"])
    value = row[channel["field"]]
    if channel["scale"] is None:
        return str(value)
    return str(dict(zip(*_scale(channel), strict=True))[value])


def _scale(channel: dict[str, Any]) -> tuple[list[str], list[str]]:
    return channel["scale"]["domain"], channel["scale"]["range"]


def _shape(shape: str, x: float, y: float, colour: str) -> str:
    r = 5
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="{colour}"/>'
    corners = {
        "square": f"M{x - r:.1f} {y - r:.1f}h{2 * r}v{2 * r}h{-2 * r}z",
        "triangle-up": f"M{x:.1f} {y - r:.1f}l{r} {2 * r}h{-2 * r}z",
        "diamond": f"M{x:.1f} {y - r:.1f}l{r} {r}l{-r} {r}l{-r} {-r}z",
    }
    return f'<path d="{corners[shape]}" fill="{colour}"/>'


def _keys(layers: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Yield name, colour and shape of each entry of the legend."""
    for layer in layers:
        colour = layer["encoding"].get("color", {})
        if not colour.get("legend"):
            continue
        names, colours = _scale(colour)
        shape = layer["encoding"].get("shape")
        shapes = _scale(shape)[1] if shape else ["square"] * len(names)
        yield from zip(names, colours, shapes, strict=True)


def _legend(keys: Sequence[tuple[str, str, str]], left: float, y: float) -> Iterator[str]:
    x = 12.0 if sum(len(k[0]) for k in keys) * CHARACTER + 24 * len(keys) > 560 else left
    for name, colour, shape in keys:
        said = _label(name)
        yield f'{_shape(shape, x + 5, y, colour)}<text x="{x + 15:.1f}" y="{y + 4:.1f}">{_text(said)}</text>'
        x += 30 + CHARACTER * len(said)


def _text(text: str) -> str:
    return escape(printable(str(text)))


BLUE, GREY = "#12436D", "#3D3D3D"
SHEET = "Charts"

MOST_BARRED: Final = 8
"""Groups that one chart of fairness has room for; countries are more."""

Series = tuple[str, int, str, str]
"""A series of a chart: its name, its column, how it is filled and edged."""


@dataclass(frozen=True)
class Chart:
    """A chart of a sheet's rows: its title, the first and last row, the column of names, the series, the axis."""

    title: str
    sheet: str
    rows: tuple[int, int]
    names: int
    series: tuple[Series, ...]
    axis: str
    most: float | None = None


def write_charts(book: Any, heading: Any, sheets: Sequence[Sheet], language: str) -> None:
    """Add the sheet of charts: points of the pairs, themes, fairness by size and region; none where none is known."""
    charts = [
        translated(chart, language) for sheet in sheets if sheet.rows for chart in _charts(sheet)
    ]
    if not charts:
        return
    page = book.add_worksheet(spoken(SHEET, language))
    page.hide_gridlines(2)
    page.set_column(0, 0, 2)
    page.write_string(0, 1, spoken("Charts", language), heading)
    row = 2
    for chart in charts:
        row += _add(book, page, chart, row, language)
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_footer("&C&10" + spoken("Page &P of &N", language))


def _add(book: Any, page: Any, chart: Chart, row: int, language: str) -> int:
    """Add a chart at a row; return how many rows it takes."""
    first, last = chart.rows
    drawn = book.add_chart({"type": "bar"})
    for name, column, fill, line in chart.series:
        drawn.add_series(
            {
                "name": name,
                "categories": [chart.sheet, first, chart.names, last, chart.names],
                "values": [chart.sheet, first, column, last, column],
                "fill": {"color": fill},
                "border": {"color": line},
                "gap": 40,
            }
        )
    font = {"size": 13, "color": BLUE}
    drawn.set_title({"name": chart.title, "name_font": font, "overlay": False})
    grid = {"visible": True, "line": {"color": GRID}}
    axis: dict[str, Any] = {"name": chart.axis, "min": 0, "major_gridlines": grid}
    drawn.set_x_axis(axis if chart.most is None else {**axis, "max": chart.most})
    drawn.set_y_axis({"reverse": True, "num_font": {"size": 9}, "interval_unit": 1})
    several = len(chart.series) > 1
    drawn.set_legend({"position": "bottom"} if several else {"none": True})
    pixels = 130 + 20 * (last - first + 1) * (1.3 if several else 1)
    drawn.set_size({"width": 900, "height": pixels})
    told = {"title": chart.title, "sheet": chart.sheet}
    said = shown(say("{title}. The figures stand on the sheet {sheet}.", **told), language)
    page.insert_chart(row, 1, drawn, {"description": said})
    return int(pixels / 20) + 3


def _charts(sheet: Sheet) -> Iterator[Chart]:
    """Yield the charts of a sheet; its columns are those of the table that it shows."""
    whole, name = (1, len(sheet.rows)), sheet.name
    if sheet.of == "satisfaction":
        at = SatisfactionRow._fields.index
        series: tuple[Series, ...] = (
            (say("Points of the pair"), at("points"), BLUE, BLUE),
            (say("Best open host"), at("best"), "#FFFFFF", GREY),
        )
        title = say("{name}: points of each guest's pair, and of its best open host", name=name)
        yield Chart(title, name, whole, at("guest"), series, say("Points of 100"), 100)
    elif sheet.of == "themes":
        at = ThemeRow._fields.index
        series = (
            (say("Guests that ask"), at("ask"), BLUE, BLUE),
            (say("Hosts that offer"), at("offer"), "#FFFFFF", GREY),
        )
        title = say("{name}: who asks and who offers", name=name)
        yield Chart(title, name, whole, at("theme"), series, say("Guests and host units"))
    elif sheet.of == "fairness":
        at = FairnessRow._fields.index
        series = ((say("Part with a place"), at("part"), BLUE, BLUE),)
        runs = groupby(enumerate(sheet.rows, 1), key=lambda numbered: str(numbered[1][0]))
        for by, run in runs:
            rows = [k for k, _ in run]
            if len(rows) <= MOST_BARRED:
                title = say("{name}: part with a place, by {by:lower}", name=name, by=by)
                place = at("group")
                yield Chart(
                    title, name, (rows[0], rows[-1]), place, series, say("Part of the group"), 1
                )


def figures_sheet(table: Table, name: str, directory: Directory) -> Sheet:
    """Return a table of figures as a sheet: numbers as numbers, ids as names."""
    kinds = words.kinds_of(table)
    numeric = words.numeric(table)
    columns = tuple(_figures_column(table, k, kind, k in numeric) for k, kind in enumerate(kinds))
    rows: tuple[tuple[Cell, ...], ...] = directory.named(table).rows
    if kinds[0] == "meeting":
        rows = tuple((directory.worded(str(row[0])), *row[1:]) for row in rows)
    return Sheet(name, words.sentence(table.says or table.title), columns, rows, of=table.name)


def _figures_column(table: Table, place: int, of: str, numeric: bool) -> SheetColumn:
    head = words.column_head(table.columns[place], of)
    if not numeric:
        longest = max((len(str(row[place] or "")) for row in table.rows), default=0)
        width = float(min(60, max(12, longest // 2 if longest > 60 else longest + 2)))
        return SheetColumn(head, width, "text" if place else "strong")
    kind: Kind = (
        "points"
        if of in ("points", "cost")
        else "part"
        if of == "part"
        else "whole"
        if all(isinstance(row[place], int | None) for row in table.rows)
        else "number"
    )
    return SheetColumn(head, 11, kind)
