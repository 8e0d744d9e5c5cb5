"""Charts of the workbook, native to it, in the colours and the order of the report.

A chart reads its figures from the sheets of tables, so what people change there shows at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

BLUE, GREY = "#12436D", "#3D3D3D"
SHEET = "Charts"


class ChartData(Protocol):
    """A sheet of figures, as a chart needs it."""

    @property
    def name(self) -> str:
        """Return the name of the sheet."""
        ...

    @property
    def columns(self) -> Sequence[Any]:
        """Return the columns, each with a head."""
        ...

    @property
    def rows(self) -> Sequence[Sequence[Any]]:
        """Return the rows."""
        ...


@dataclass(frozen=True)
class Series:
    """A series of a chart: its name, its column, how it is filled."""

    name: str
    column: int
    fill: str
    line: str


@dataclass(frozen=True)
class Chart:
    """A chart: its title, the sheet and rows that it shows, the column of names, the series, the axis."""

    title: str
    sheet: str
    rows: tuple[int, int]
    names: int
    series: tuple[Series, ...]
    axis: str
    most: float | None = None


def write_charts(book: Any, heading: Any, sheets: Sequence[ChartData]) -> None:
    """Add the sheet of charts: points of the pairs, themes, fairness by size and region; none where none is known."""
    charts = list(_charts(sheets))
    if not charts:
        return
    page = book.add_worksheet(SHEET)
    page.hide_gridlines(2)
    page.set_column(0, 0, 2)
    page.write_string(0, 1, "Charts", heading)
    row = 2
    for chart in charts:
        height = _add(book, page, chart, row)
        row += height
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_footer("&C&10Page &P of &N")


def _add(book: Any, page: Any, chart: Chart, row: int) -> int:
    """Add a chart at a row; return how many rows it takes."""
    first, last = chart.rows
    drawn = book.add_chart({"type": "bar"})
    for series in chart.series:
        drawn.add_series(
            {
                "name": series.name,
                "categories": [chart.sheet, first, chart.names, last, chart.names],
                "values": [chart.sheet, first, series.column, last, series.column],
                "fill": {"color": series.fill},
                "border": {"color": series.line},
                "gap": 40,
            }
        )
    drawn.set_title(
        {"name": chart.title, "name_font": {"size": 13, "color": BLUE}, "overlay": False}
    )
    axis: dict[str, Any] = {
        "name": chart.axis,
        "min": 0,
        "major_gridlines": {"visible": True, "line": {"color": "#C9CDD2"}},
    }
    if chart.most is not None:
        axis["max"] = chart.most
    drawn.set_x_axis(axis)
    drawn.set_y_axis({"reverse": True, "num_font": {"size": 9}, "interval_unit": 1})
    drawn.set_legend({"position": "bottom"} if len(chart.series) > 1 else {"none": True})
    pixels = 130 + 20 * (last - first + 1) * (1.3 if len(chart.series) > 1 else 1)
    drawn.set_size({"width": 900, "height": pixels})
    page.insert_chart(
        row,
        1,
        drawn,
        {"description": f"{chart.title}. The figures stand on the sheet {chart.sheet}."},
    )
    return int(pixels / 20) + 3


def _charts(sheets: Sequence[ChartData]) -> Iterator[Chart]:
    for sheet in sheets:
        heads = [column.head for column in sheet.columns]
        if not sheet.rows:
            continue
        if "Best possible points (of 100)" in heads:
            own, best = heads.index("Points (of 100)"), heads.index("Best possible points (of 100)")
            yield Chart(
                f"{sheet.name}: points of each guest's pair, and of its best open host",
                sheet.name,
                (1, len(sheet.rows)),
                heads.index("Guest"),
                (
                    Series("Points of the pair", own, BLUE, BLUE),
                    Series("Best open host", best, "#FFFFFF", GREY),
                ),
                "Points of 100",
                100,
            )
        elif "Guests that ask" in heads:
            yield Chart(
                f"{sheet.name}: who asks and who offers",
                sheet.name,
                (1, len(sheet.rows)),
                heads.index("Theme"),
                (
                    Series("Guests that ask", heads.index("Guests that ask"), BLUE, BLUE),
                    Series("Hosts that offer", heads.index("Hosts that offer"), "#FFFFFF", GREY),
                ),
                "Guests and host units",
            )
        elif "Part with a place" in heads:
            yield from _fairness(sheet, heads)


def _fairness(sheet: ChartData, heads: Sequence[str]) -> Iterator[Chart]:
    """Yield a chart for each way of grouping with few groups; countries are too many for one."""
    column = heads.index("Part with a place")
    runs: dict[str, list[int]] = {}
    for k, row in enumerate(sheet.rows, 1):
        runs.setdefault(str(row[0]), []).append(k)
    for by, rows in runs.items():
        if by != "Country":
            yield Chart(
                f"{sheet.name}: part with a place, by {by.lower()}",
                sheet.name,
                (rows[0], rows[-1]),
                heads.index("Group"),
                (Series("Part with a place", column, BLUE, BLUE),),
                "Part of the group",
                1,
            )
