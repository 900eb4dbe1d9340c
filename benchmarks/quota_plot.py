"""Small charts over the minutes of an hour, as one SVG without any library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 300, 120
GAP, HEAD = 44, 26
COLOURS = {"spent": "#4c78a8", "fresh": "#54a24b", "stale": "#eeca3b", "refused": "#e45756", "waited": "#b279a2"}


@dataclass(frozen=True)
class Panel:
    """One chart: layers stacked on one another, a value a minute.

    Attributes:
        title: What stands above it.
        layers: Values by what they are.
        limit: Where a line is drawn across.
        top: The highest value that fits; that of the data where not given.
    """

    title: str
    layers: Mapping[str, Sequence[float]]
    limit: float | None = None
    top: float | None = None


def draw(rows: Sequence[Sequence[Panel]]) -> str:
    """The picture: a row of charts each."""
    columns = max(map(len, rows))
    width, height = columns * (WIDTH + GAP) + GAP, len(rows) * (HEIGHT + HEAD + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">',
        "<style>text {font: 11px sans-serif}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for line, panels in enumerate(rows):
        for column, panel in enumerate(panels):
            x, y = GAP + column * (WIDTH + GAP), HEAD + 10 + line * (HEIGHT + HEAD + GAP)
            parts += [f'<g transform="translate({x},{y})">', *_panel(panel), "</g>"]
    legend = "".join(
        f'<tspan fill="{COLOURS[name]}" dx="12">■</tspan> {name}' for name in ("fresh", "stale", "refused")
    )
    parts.append(f'<text x="{GAP}" y="{height - 14}">minutes of the hour {legend}</text></svg>\n')
    return "\n".join(parts)


def _panel(panel: Panel) -> list[str]:
    count = len(next(iter(panel.layers.values())))
    sums = [sum(values[minute] for values in panel.layers.values()) for minute in range(count)]
    top = panel.top or max(*sums, 1.0)
    wide = WIDTH / count
    parts = [
        f'<text y="-8" font-weight="bold">{panel.title}</text>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#f6f6f6"/>',
        f'<text x="-4" y="9" text-anchor="end">{top:.0f}</text>',
        f'<text x="-4" y="{HEIGHT}" text-anchor="end">0</text>',
        f'<text y="{HEIGHT + 14}">0</text><text x="{WIDTH}" y="{HEIGHT + 14}" text-anchor="end">{count}</text>',
    ]
    for minute in range(count):
        below = 0.0
        for name, values in panel.layers.items():
            high = min(values[minute], top - below) / top * HEIGHT
            bottom = HEIGHT - below / top * HEIGHT
            below += values[minute]
            if high > 0:
                parts.append(
                    f'<rect x="{minute * wide:.1f}" y="{bottom - high:.1f}" width="{wide - 0.8:.1f}" '
                    f'height="{high:.1f}" fill="{COLOURS[name]}"/>'
                )
    if panel.limit is not None:
        y = HEIGHT - panel.limit / top * HEIGHT
        parts.append(f'<line x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#333" stroke-dasharray="4 3"/>')
        parts.append(f'<text x="{WIDTH}" y="{y - 3:.1f}" text-anchor="end">limit {panel.limit:.0f}</text>')
    return parts
