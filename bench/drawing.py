"""A log-log drawing of figures by size, as SVG."""

# Who calls: the command line, for the allocator's lines (--draw).
# Rejected: matplotlib. It brings numpy, pillow and six more packages, 100 MB, for two axes and a few lines; and what it
#   writes differs with its version, while this is the same text for the same figures.

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from xml.sax.saxutils import escape

from bench.allocator_figures import Series

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 860, 520, 70, 20, 30, 50
ROW = 17  # of the legend, above the drawing: a line may lead anywhere in it
COLOURS = ("#0b6e4f", "#1f77b4", "#c44900", "#7a3e9d", "#555555", "#b8860b", "#a01a58")


def draw(series: Sequence[Series], x_label: str, y_label: str) -> str:
    """Return the drawing. Raises: ValueError, if there is no point, or one is not above zero."""
    points = [point for one in series for point in one.points]
    if not points or min(min(point) for point in points) <= 0:
        raise ValueError("nothing can be drawn: log-log drawings need points, all above zero")
    x_axis = _Axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    top = TOP + ROW * len(series)
    y_axis = _Axis([y for _, y in points], HEIGHT - BOTTOM, top)
    parts = [*_grid(x_axis, y_axis, top)]
    for number, one in enumerate(series):
        parts += _line(one, COLOURS[number % len(COLOURS)], number, x_axis, y_axis)
    parts.append(_text(WIDTH / 2, HEIGHT - 12, x_label, "middle"))
    parts.append(f'<g transform="rotate(-90 16 {HEIGHT / 2:.0f})">{_text(16, HEIGHT / 2, y_label, "middle")}</g>')
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n{body}\n</svg>\n'
    )


class _Axis:
    """From the round amount below the least value to the one above the most; ``amounts`` are those and all between."""

    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        least, most = min(values), max(values)
        powers = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 2)
        amounts = [float(f"{leading}e{power}") for power in powers for leading in (1, 2, 5)]
        first = bisect_right(amounts, least) - 1
        self.amounts = amounts[first : max(bisect_left(amounts, most), first + 1) + 1]
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        """Return where a value stands."""
        first, last = math.log10(self.amounts[0]), math.log10(self.amounts[-1])
        return self._begin + (math.log10(value) - first) / (last - first) * (self._end - self._begin)


def _grid(x_axis: _Axis, y_axis: _Axis, top: float) -> list[str]:
    parts = []
    for amount in x_axis.amounts:
        x = x_axis.at(amount)
        parts.append(f'<path d="M{x:.1f} {top}V{HEIGHT - BOTTOM}" stroke="#dddddd"/>')
        parts.append(_text(x, HEIGHT - BOTTOM + 16, _written(amount), "middle"))
    for amount in y_axis.amounts:
        y = y_axis.at(amount)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
        parts.append(_text(LEFT - 6, y + 4, _written(amount), "end"))
    return parts


def _line(one: Series, colour: str, number: int, x_axis: _Axis, y_axis: _Axis) -> list[str]:
    at = [(x_axis.at(x), y_axis.at(y)) for x, y in one.points]
    path = "L".join([f"{x:.1f} {y:.1f}" for x, y in at])
    dashes = "" if one.own else ' stroke-dasharray="5 4"'
    parts = [f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'] if len(at) > 1 else []
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in at]
    y = TOP + ROW * number
    parts.append(f'<circle cx="{LEFT + 4}" cy="{y - 4}" r="3.5" fill="{colour}"/>')
    parts.append(_text(LEFT + 14, y, one.label, "start"))
    return parts


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _written(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 1 else f"{amount:g}"
