"""Draws the ratios of `compare.py` as bars, on a scale on which each step to the right is ten times as long."""

from __future__ import annotations

import math
from html import escape
from typing import Any

WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 900, 330, 60, 9, 12, 56
LEAST, MOST = 0.001, 10.0
COLORS = {
    "multiprocessing": ("#1f77b4", "#7fb5dc"),
    "multiprocessing, with asyncio": ("#1f77b4", "#7fb5dc"),
    "sharedbox": ("#d9822b", "#f0bd8b"),
    "numpy.copyto": ("#3d8f4a", "#9bcda4"),
}


def drawn(operations: list[tuple[str, list[str]]], runs: list[dict[str, Any]]) -> str:
    """Return the chart as SVG: for each operation a bar for each peer and each version of Python."""
    rows: list[str] = []
    height = TOP
    for name, peers in operations:
        bars = []
        for peer in peers:
            for number, run in enumerate(runs):
                ratio = run["results"][name]["ratios"].get(peer)
                if ratio is not None:
                    bars.append((peer, COLORS[peer][number % 2], run["python"], ratio))
        middle = height + len(bars) * BAR / 2
        rows.append(f'<text x="{LEFT - 10}" y="{middle + 4:.1f}" text-anchor="end">{escape(name.replace("`", ""))}</text>')
        for peer, color, python, ratio in bars:
            end = place(ratio)
            rows.append(
                f'<rect x="{LEFT}" y="{height}" width="{end - LEFT:.1f}" height="{BAR - 1}" fill="{color}">'
                f"<title>{escape(name)}, to {peer}, Python {python}: {ratio:.3g}</title></rect>"
            )
            rows.append(f'<text class="small" x="{end + 4:.1f}" y="{height + BAR - 1.5}">{ratio:.2g}</text>')
            height += BAR
        height += GAP
    lines = []
    for power in range(round(math.log10(LEAST)), round(math.log10(MOST)) + 1):
        x = place(10.0**power)
        style = 'stroke="#444" stroke-width="1.5"' if power == 0 else 'stroke="#ccc"'
        lines.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height}" {style}/>')
        lines.append(f'<text class="small" x="{x:.1f}" y="{TOP - 12}" text-anchor="middle">{10.0**power:g}</text>')
    key, x = [], LEFT
    for peer, (dark, light) in COLORS.items():
        if "," in peer:
            continue
        for color, run in zip((dark, light), runs, strict=False):
            label = f"{peer}, {run['python']}"
            key.append(f'<rect x="{x}" y="10" width="10" height="10" fill="{color}"/>')
            key.append(f'<text class="small" x="{x + 14}" y="19">{label}</text>')
            x += 24 + 6 * len(label)
    width = max(WIDTH, x)
    body = "\n".join([*key, *lines, *rows])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">\n'
        "<style>.small { font-size: 10px; } text { fill: #222; }</style>\n"
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n'
        f'<text x="10" y="20">time of shared_value / time of the peer</text>\n{body}\n</svg>\n'
    )


def place(ratio: float) -> float:
    """Return where a ratio lies on the scale."""
    share = math.log10(max(LEAST, min(MOST, ratio)) / LEAST) / math.log10(MOST / LEAST)
    return LEFT + share * (WIDTH - LEFT - RIGHT)
