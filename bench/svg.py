"""Horizontal bars, and curves over time, as SVG. Pure."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

COLOURS = ("#1f5fa8", "#e08a1e", "#3f8f5b", "#8a5fb0", "#b5403a", "#6b7280", "#c2a83e", "#2f9c9c")
WIDTH, LEFT, RIGHT = 900, 250, 90
ROW, BAR, TOP = 30, 20, 70
STYLE = "font-family: sans-serif; font-size: 13px; fill: #1a1a1a"


def bars(title: str, rows: Sequence[tuple[str, Mapping[str, float]]], digits: int = 0) -> str:
    """`rows`: each with its name and its parts by name, drawn one after the other; their sum stands at the end."""
    parts = tuple(dict.fromkeys(part for _name, values in rows for part in values))
    most = max((sum(values.values()) for _name, values in rows), default=0) or 1
    scale = (WIDTH - LEFT - RIGHT) / most
    drawn = [_text(10, 25, title, "font-size: 16px; font-weight: bold")]
    if len(parts) > 1:
        drawn += [it for place, part in enumerate(parts) for it in _legend(place, part, len(parts))]
    for number, (name, values) in enumerate(rows):
        y, x = TOP + number * ROW, float(LEFT)
        drawn.append(_text(10, y + 15, name))
        for place, part in enumerate(parts):
            if part in values:
                drawn.append(_bar(x, y, values[part] * scale, BAR, place))
                x += values[part] * scale
        drawn.append(_text(x + 6, y + 15, f"{sum(values.values()):,.{digits}f}"))
    return _picture(title, TOP + ROW * len(rows) + 10, drawn)


def curves(title: str, series: Mapping[str, Sequence[tuple[float, float]]], height: int = 260) -> str:
    """`series`: points by name, from zero up."""
    points = [point for them in series.values() for point in them]
    most_x, most_y = (max((point[axis] for point in points), default=0.0) or 1.0 for axis in (0, 1))
    left, right, bottom = 60, 20, TOP + height
    across, up = (WIDTH - left - right) / most_x, height / most_y
    drawn = [_text(10, 25, title, "font-size: 16px; font-weight: bold")]
    drawn += [it for place, name in enumerate(series) for it in _legend(place, name, len(series))]
    for part in range(5):
        y, x = bottom - height * part / 4, left + (WIDTH - left - right) * part / 4
        drawn.append(f'<path d="M{left} {y:.1f}H{WIDTH - right}" stroke="#d0d4da"/>')
        drawn += [_text(8, y + 4, f"{most_y * part / 4:,.4g}"), _text(x - 8, bottom + 20, f"{most_x * part / 4:,.3g}")]
    for place, them in enumerate(series.values()):
        path = "L".join(f"{left + x * across:.1f} {bottom - y * up:.1f}" for x, y in them)
        if path:
            drawn.append(f'<path d="M{path}" fill="none" stroke="{COLOURS[place % len(COLOURS)]}" stroke-width="1.5"/>')
    return _picture(title, bottom + 34, drawn)


def _picture(title: str, height: int, drawn: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" style="{STYLE}">'
    ground = f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", ground, *drawn, "</svg>", ""])


def _legend(place: int, part: str, count: int) -> list[str]:
    x = 10 + place * (WIDTH - 20) / count
    return [_bar(x, 42, 12, 12, place), _text(x + 18, 53, part)]


def _bar(x: float, y: float, width: float, height: float, place: int) -> str:
    colour = COLOURS[place % len(COLOURS)]
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" style="{style}">{escape(text)}</text>'
