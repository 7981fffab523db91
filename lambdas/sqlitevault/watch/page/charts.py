"""Charts as SVG for a page: without scripts, fonts or URLs, in the page's colours."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pygal
from markupsafe import Markup
from pygal.style import Style

# Small, with large letters: a phone shows the chart at three quarters of this width.
_WIDTH, _HEIGHT, _LETTERS = 520, 300, 14
_LABELS, _TICKS = 4, 4
_MOST_DOTS = 60
# Space below the lowest label of a logarithmic axis; a linear one begins at 0.
_BELOW = 0.6
# pygal's comments and XML namespaces hold the only URLs in its SVG; in HTML they have no meaning.
_UNWANTED = re.compile(r'<!--.*?-->|<script\b.*?</script>| xmlns(:\w+)?="[^"]*"|<\?xml.*?\?>', re.DOTALL)

# Steps in seconds that people count time in.
_DURATIONS = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 2 * 86400, 7 * 86400)
_FROM_FAST_TO_SLOW = (0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 360000)
# pygal measures the labels by these sizes.
_STYLE = Style(label_font_size=_LETTERS, major_label_font_size=_LETTERS, font_family="system-ui, sans-serif")
_COLOURS = ("var(--first)", "var(--second)", "var(--third)")

Points = Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over time. `name` is its id in the page; `text` returns a value in words.

    `limit` is drawn as a dashed line across. `of_time`: the values are seconds, and the axis counts in minutes and
    hours, as that of a `logarithmic` chart always does.
    """

    name: str
    title: str
    lines: dict[str, Points]
    text: Callable[[float], str]
    limit: tuple[str, float] | None = None
    logarithmic: bool = False
    of_time: bool = False

    @property
    def points(self) -> Points:
        """The points of all lines."""
        return [point for line in self.lines.values() for point in line]

    @property
    def legend(self) -> list[tuple[str, str, str]]:
        """Colour, label and latest value of each line and of the limit."""
        values = [(label, line[-1][1]) for label, line in self.lines.items() if line]
        values += [self.limit] if self.limit else []
        return [(colour, label, self.text(value)) for colour, (label, value) in zip(_COLOURS, values, strict=False)]

    @property
    def in_words(self) -> str:
        """The chart for a screen reader."""
        return f"{self.title}: {'; '.join(f'{label} {value}' for _, label, value in self.legend)}"

    @property
    def svg(self) -> Markup:
        """The chart as an element of an HTML page; it needs at least one point."""
        first, last = _span(self.points)
        graph = _graph(self, first, last)
        for label, line in self.lines.items():
            graph.add(label, list(line))
        if self.limit is not None:
            label, value = self.limit
            graph.add(label, [(first, value), (last, value)], show_dots=False)
        return Markup(_UNWANTED.sub("", str(graph.render())))  # noqa: S704 - pygal escapes the labels

    def ticks(self) -> list[float]:
        """Return round values for the axis, about four."""
        if self.logarithmic:
            lowest = min(value for _, value in self.points)
            return [step for step in _FROM_FAST_TO_SLOW if lowest / 10 < step < self.highest]
        round_numbers = (figure * math.pow(10, power) for power in range(-3, 16) for figure in (1, 2, 5))
        steps = _DURATIONS if self.of_time else round_numbers
        step = next((step for step in steps if self.highest / step <= _TICKS), self.highest)
        return [step * count for count in range(math.ceil(self.highest / step) + 1)]

    @property
    def highest(self) -> float:
        """The highest value, plus a margin."""
        return 1.1 * max(*(value for _, value in self.points), self.limit[1] if self.limit else 0.0, 0.0)


def _graph(chart: Chart, first: datetime, last: datetime) -> pygal.DateTimeLine:
    ticks = chart.ticks()
    graph = pygal.DateTimeLine(
        style=_STYLE,
        css=(),  # page.css has the rules for all charts once
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
        show_dots=len(chart.points) <= _MOST_DOTS,
    )
    graph.uuid = chart.name
    return graph


def _span(points: Points) -> tuple[datetime, datetime]:
    """Return the first and the last time; an hour around a single one, so that there is an axis."""
    first, last = min(moment for moment, _ in points), max(moment for moment, _ in points)
    if last > first:
        return first, last
    return first - timedelta(minutes=30), last + timedelta(minutes=30)


def _clock(span: timedelta) -> Callable[[datetime], str]:
    form = "%H:%M" if span < timedelta(days=1) else "%d %b %H:%M" if span < timedelta(days=_LABELS) else "%d %b"
    return lambda moment: moment.strftime(form)
