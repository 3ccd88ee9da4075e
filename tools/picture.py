"""Draw what a command prints as an SVG picture of a terminal: `… | tools/picture.py COMMAND`.

Reads text with SGR colours on stdin, writes SVG on stdout. For README and docs; nothing else.
"""

from __future__ import annotations

import html
import re
import sys

COLUMN, LINE, MARGIN = 8.4, 20, 24
COLORS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff", "35": "#d2a8ff"}
COLORS |= {"36": "#76e3ea", "1": "#ffffff", "2": "#8b949e"}
SGR = re.compile(r"\x1b\[([0-9;]*)m")


def main() -> None:
    """Draw stdin."""
    lines = sys.stdin.read().rstrip("\n").split("\n")
    title = sys.argv[1] if len(sys.argv) > 1 else ""
    shown = [f"\x1b[2m$\x1b[0m {title}", *lines] if title else lines
    width = MARGIN * 2 + COLUMN * max(len(SGR.sub("", line)) for line in shown)
    height = MARGIN * 2 + LINE * len(shown)
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">'
    )
    print(f"<title>{html.escape(SGR.sub('', shown[0]))}</title>")
    print('<rect width="100%" height="100%" rx="10" fill="#0d1117"/>')
    print(
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" '
        'font-size="14" fill="#c9d1d9">'
    )
    for number, line in enumerate(shown):
        print(f'<text x="{MARGIN}" y="{MARGIN + LINE * number + 14}">{_spans(line)}</text>')
    print("</g></svg>")


def _spans(line: str) -> str:
    """Turn one line's colours into spans; the text is escaped."""
    parts, color, at = [], "", 0
    for match in [*SGR.finditer(line), None]:
        end = len(line) if match is None else match.start()
        text = html.escape(line[at:end]).replace(" ", "\u00a0")  # browsers fold plain ones
        parts.append(f'<tspan fill="{color}">{text}</tspan>' if color and text else text)
        if match is not None:
            at = match.end()
            codes = [code for code in match[1].split(";") if code in COLORS]
            color = COLORS[codes[-1]] if codes else ""
    return "".join(parts)


if __name__ == "__main__":
    main()
