"""Line charts as SVG, written by hand: they are short, and their changes can be read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 40, 44, 50
FONT = 'font-family="sans-serif" font-size="12"'
LINE = 16
COLOURS = ("#1f6feb", "#d1242f", "#2da44e", "#8250df", "#bf8700", "#57606a")


@dataclass(frozen=True, slots=True)
class Axis:
    title: str
    is_logarithmic: bool = True


@dataclass(frozen=True, slots=True)
class Scale:
    """From a value to its place between two ends in the picture."""

    axis: Axis
    least: float
    most: float
    start: float
    stop: float

    @classmethod
    def of(cls, axis: Axis, values: Sequence[float], start: float, stop: float) -> "Scale":
        if axis.is_logarithmic:
            least, most = (math.log10(max(end, 1e-3)) for end in (min(values), max(values)))
            return cls(axis, math.floor(least), math.ceil(most + 1e-9), start, stop)
        step = 10 ** math.floor(math.log10(max(*values, 1)))
        return cls(axis, 0, max(math.ceil(max(values) / step), 1) * step, start, stop)

    def place(self, value: float) -> float:
        at = math.log10(max(value, 1e-3)) if self.axis.is_logarithmic else value
        share = (at - self.least) / (self.most - self.least)
        return round(self.start + share * (self.stop - self.start), 1)

    @property
    def marks(self) -> Sequence[float]:
        if self.axis.is_logarithmic:
            return [10.0**power for power in range(int(self.least), int(self.most) + 1)]
        return [self.most * fifth / 5 for fifth in range(6)]


def chart(title: str, across: Axis, up: Axis, series: Mapping[str, Points]) -> str:
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    x = Scale.of(across, xs, LEFT, WIDTH - RIGHT)
    top = TOP + LINE * len(series)  # beneath the names
    y = Scale.of(up, ys, HEIGHT - BOTTOM, top)
    middle = (LEFT + WIDTH - RIGHT) / 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(middle, 20, title, size=14),
        _text(middle, HEIGHT - 8, across.title),
        f'<g transform="rotate(-90 14 {HEIGHT / 2:g})">{_text(14, HEIGHT / 2, up.title)}</g>',
        *(_line(x.place(mark), top, x.place(mark), HEIGHT - BOTTOM) for mark in x.marks),
        *(_line(LEFT, y.place(mark), WIDTH - RIGHT, y.place(mark)) for mark in y.marks),
        *(_text(x.place(mark), HEIGHT - BOTTOM + 16, f"{mark:,g}") for mark in x.marks),
        *(_text(LEFT - 6, y.place(mark) + 4, f"{mark:,g}", "end") for mark in y.marks),
    ]
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        lines += _series(colour, [(x.place(a), y.place(b)) for a, b in points])
        at = TOP + LINE * number
        lines.append(f'<rect x="{LEFT + 8}" y="{at - 6}" width="14" height="4" fill="{colour}"/>')
        lines.append(_text(LEFT + 28, at, name, "start"))
    return "\n".join([*lines, "</svg>", ""])


def _series(colour: str, places: Points) -> list[str]:
    joined = " ".join(f"{x:g},{y:g}" for x, y in places)
    line = f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>'
    return [line, *(f'<circle cx="{x:g}" cy="{y:g}" r="3" fill="{colour}"/>' for x, y in places)]


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="#d8dee4"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 12) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
    )
