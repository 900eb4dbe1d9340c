"""Bars and lines as SVG, without any library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

WIDTH, BAR, GAP = 760, 20, 8
LABELS, HEAD = 310, 34
PANEL, HIGH = 330, 190
COLOURS = ("#4c78a8", "#e45756", "#54a24b", "#b279a2", "#f58518", "#72b7b2")
OURS, THEIRS = COLOURS[0], "#9aa5b1"
STYLE = "<style>text {font: 12px sans-serif} .t {font-weight: bold}</style>"

ROOM = 1.15
"""Of the highest value, so that names stand above the lines."""

WHOLE = 100
"""From here on numbers have no decimals."""

Line = Sequence[tuple[float, float]]


def bars(title: str, values: Mapping[str, float], ours: Sequence[str]) -> str:
    """One bar a name, the longest first; ours in another colour."""
    ranked = sorted(values.items(), key=lambda item: -item[1])
    top = max([*values.values(), 1e-9])
    parts = [f'<text class="t" x="8" y="20">{title}</text>']
    for place, (name, value) in enumerate(ranked):
        y = HEAD + place * (BAR + GAP)
        wide = value / top * (WIDTH - LABELS - 80)
        fill = OURS if name in ours else THEIRS
        parts += [
            f'<text x="{LABELS - 8}" y="{y + 15}" text-anchor="end">{name}</text>',
            f'<rect x="{LABELS}" y="{y}" width="{wide:.1f}" height="{BAR}" fill="{fill}"/>',
            f'<text x="{LABELS + wide + 6:.1f}" y="{y + 15}">{value:,.0f}</text>',
        ]
    return _picture(WIDTH, HEAD + len(ranked) * (BAR + GAP) + GAP, parts)


def lines(panels: Sequence[tuple[str, str, Mapping[str, Line]]]) -> str:
    """Panels side by side, two a row: a title, what the horizontal axis is, and lines by name; both axes begin at 0."""
    parts = []
    for place, (title, axis, curves) in enumerate(panels):
        x, y = 50 + place % 2 * (PANEL + 70), HEAD + place // 2 * (HIGH + 80)
        parts += [f'<g transform="translate({x},{y})">', *_panel(title, axis, curves), "</g>"]
    return _picture(2 * (PANEL + 70) + 20, HEAD + math.ceil(len(panels) / 2) * (HIGH + 80), parts)


def _panel(title: str, axis: str, curves: Mapping[str, Line]) -> list[str]:
    points = [point for line in curves.values() for point in line]
    right, top = max([x for x, _ in points] or [1.0]) or 1.0, ROOM * max([y for _, y in points] or [1.0]) or 1.0
    parts = [
        f'<text class="t" y="-10">{title}</text>',
        f'<rect width="{PANEL}" height="{HIGH}" fill="#f6f6f6"/>',
        f'<text x="-4" y="10" text-anchor="end">{_short(top)}</text><text x="-4" y="{HIGH}" text-anchor="end">0</text>',
        f'<text y="{HIGH + 16}">0</text><text x="{PANEL}" y="{HIGH + 16}" text-anchor="end">{right:,.0f}</text>',
        f'<text x="{PANEL / 2}" y="{HIGH + 16}" text-anchor="middle">{axis}</text>',
    ]
    for place, (name, line) in enumerate(curves.items()):
        colour = COLOURS[place % len(COLOURS)]
        at = [(x / right * PANEL, HIGH - y / top * HIGH) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at]
        parts.append(f'<text x="8" y="{16 + place * 16}" fill="{colour}">{name}</text>')
    return parts


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= WHOLE else f"{value:.3g}"


def _picture(width: float, height: float, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    return "\n".join([head, STYLE, f'<rect width="{width}" height="{height}" fill="#fff"/>', *parts, "</svg>\n"])
