"""Charts as SVG inside a page: no script, no font, no address of anything; colours are the page's."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

import pygal
from pygal.style import Style

from sqlitevault.watch.page.html import section

# Small and with large letters: a phone shows it at three quarters of this width.
_WIDTH, _HEIGHT, _LETTERS = 520, 300, 14
_LABELS, _TICKS = 4, 4
_MOST_DOTS = 60
# Room below the lowest label of a logarithmic axis; a linear one begins at 0.
_BELOW = 0.6
# pygal's marks of origin and its namespaces are the only addresses in what it draws; inside HTML they mean nothing.
_UNWANTED = re.compile(r'<!--.*?-->|<script\b.*?</script>| xmlns(:\w+)?="[^"]*"|<\?xml.*?\?>', re.DOTALL)

# Steps that people count time in.
_DURATIONS = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 2 * 86400, 7 * 86400)
_FROM_FAST_TO_SLOW = (0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 360000)
_COLOURS = ("var(--first)", "var(--second)", "var(--third)")

Points = Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over time. `limit` is a promise, drawn as a dashed line across; `text` says a value in words.

    `of_time`: the values are seconds, and the axis counts in minutes and hours; a `logarithmic` one always does.
    """

    title: str
    lines: dict[str, Points]
    text: Callable[[float], str]
    limit: tuple[str, float] | None = None
    logarithmic: bool = False
    of_time: bool = False

    @property
    def highest(self) -> float:
        """The highest value, and a little room above it."""
        values = [value for line in self.lines.values() for _, value in line]
        return 1.1 * max(*values, self.limit[1] if self.limit else 0.0, 0.0)

    @property
    def ticks(self) -> list[float]:
        """Round values for the axis, four or so."""
        if self.logarithmic:
            lowest = min(value for line in self.lines.values() for _, value in line)
            return [step for step in _FROM_FAST_TO_SLOW if lowest / 10 < step < self.highest]
        steps = _DURATIONS if self.of_time else _round_numbers()
        step = next((step for step in steps if self.highest / step <= _TICKS), self.highest)
        return [step * count for count in range(math.ceil(self.highest / step) + 1)]


def chart_section(chart: Chart, *, name: str) -> str:
    """Return the chart as a card; without any point it says so. `name` tells the page's charts apart."""
    points = [point for line in chart.lines.values() for point in line]
    if not points:
        return section(chart.title, '<p class="quiet">nothing to show yet</p>')
    drawn = _draw(chart, points, name).replace("<svg ", f'<svg role="img" aria-label="{escape(_said(chart))}" ', 1)
    return section(chart.title, drawn + _legend(chart))


def _said(chart: Chart) -> str:
    """Say in words what the chart shows, for those who do not see it."""
    return f"{chart.title}: {'; '.join(f'{label} {value}' for label, value in _entries(chart))}"


def _entries(chart: Chart) -> list[tuple[str, str]]:
    latest = [(label, chart.text(line[-1][1])) for label, line in chart.lines.items() if line]
    return [*latest, *([(chart.limit[0], chart.text(chart.limit[1]))] if chart.limit else [])]


def _legend(chart: Chart) -> str:
    entries = zip(_COLOURS, _entries(chart), strict=False)
    shown = [
        f'<li><span style="background:{colour}"></span>{escape(label)}: {escape(value)}</li>'
        for colour, (label, value) in entries
    ]
    return f'<ul class="legend">{"".join(shown)}</ul>'


def _draw(chart: Chart, points: Points, name: str) -> str:
    first, last = _span(points)
    ticks = chart.ticks
    graph = pygal.DateTimeLine(
        style=_style(),
        js=(),
        disable_xml_declaration=True,
        explicit_size=False,
        width=_WIDTH,
        height=_HEIGHT,
        margin=4,
        margin_right=26,
        x_labels=[first + (last - first) * step / (_LABELS - 1) for step in range(_LABELS)],
        x_value_formatter=_clock(last - first),
        value_formatter=lambda value: "" if value is None else chart.text(value),
        y_labels=ticks,
        range=(ticks[0] * _BELOW, max(chart.highest, ticks[-1])),
        logarithmic=chart.logarithmic,
        show_legend=False,
        show_x_guides=False,
        dots_size=2.5,
        show_dots=len(points) <= _MOST_DOTS,
    )
    graph.uuid = name
    for label, line in chart.lines.items():
        graph.add(label, list(line))
    if chart.limit is not None:
        label, value = chart.limit
        graph.add(label, [(first, value), (last, value)], show_dots=False, stroke_style={"dasharray": "6, 4"})
    return _UNWANTED.sub("", str(graph.render()))


def _round_numbers() -> Iterator[float]:
    return (figure * math.pow(10, power) for power in range(-3, 16) for figure in (1, 2, 5))


def _span(points: Points) -> tuple[datetime, datetime]:
    """Return first and last moment; of a single one, an hour around it, so that there is an axis."""
    first, last = min(moment for moment, _ in points), max(moment for moment, _ in points)
    if last > first:
        return first, last
    return first - timedelta(minutes=30), last + timedelta(minutes=30)


def _clock(span: timedelta) -> Callable[[datetime], str]:
    form = "%H:%M" if span < timedelta(days=1) else "%d %b %H:%M" if span < timedelta(days=_LABELS) else "%d %b"
    return lambda moment: moment.strftime(form)


def _style() -> Style:
    return Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--ink)",
        foreground_strong="var(--ink)",
        foreground_subtle="var(--quiet)",
        guide_stroke_color="var(--line)",
        major_guide_stroke_color="var(--line)",
        guide_stroke_dasharray="1,0",
        major_guide_stroke_dasharray="1,0",
        colors=_COLOURS,
        font_family="system-ui, sans-serif",
        label_font_size=_LETTERS,
        major_label_font_size=_LETTERS,
        legend_font_size=_LETTERS,
        stroke_width="2",
        opacity=1,
        transition="none",
    )
