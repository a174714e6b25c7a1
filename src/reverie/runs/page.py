"""Building blocks of a report: one file of HTML that asks nothing of the network and runs nothing.

Every block takes plain values and escapes them; only what is already `Html` goes through as it is.
"""

import base64
import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reverie.estimate import Estimate


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Content = str | Html


def escaped(words: Any) -> Html:
    """Any value as text of a page."""
    return words if isinstance(words, Html) else Html(html.escape(str(words)))


def joined(pieces: Iterable[Content], between: str = "") -> Html:
    """Pieces one after the other, each escaped unless it is markup."""
    return Html(between.join(escaped(piece) for piece in pieces))


def tag(name: str, *inside: Content, **attributes: str) -> Html:
    """`<name attributes>inside</name>`; `cls` is the class."""
    listed = "".join(f' {"class" if key == "cls" else key}="{escaped(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{listed}>{joined(inside)}</{name}>")


def paragraph(*inside: Content, cls: str = "") -> Html:
    """A paragraph."""
    return tag("p", *inside, cls=cls) if cls else tag("p", *inside)


def section(title: Content, *inside: Content) -> Html:
    """A headed section."""
    return tag("section", tag("h2", title), *inside)


def warning(*inside: Content, cls: str = "warning") -> Html:
    """Something that a reader must not miss."""
    return tag("aside", *inside, cls=cls, role="note")


def code(lines: str) -> Html:
    """Lines to copy."""
    return tag("pre", tag("code", lines))


def facts(pairs: Mapping[str, Content] | Iterable[tuple[str, Content]]) -> Html:
    """A table of names and values."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    rows = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in items]
    return tag("table", tag("tbody", *rows), cls="facts")


def table(headings: Sequence[Content], rows: Iterable[Sequence[Content]], words: Sequence[int] = ()) -> Html:
    """A table of figures; the columns at the places `words` are set left, the others right."""

    def cell(name: str, place: int, value: Content) -> Html:
        return tag(name, value, cls="word" if place in words else "figure")

    head = tag("tr", *(cell("th", place, value) for place, value in enumerate(headings)))
    body = [tag("tr", *(cell("td", place, value) for place, value in enumerate(row))) for row in rows]
    return tag("div", tag("table", tag("thead", head), tag("tbody", *body), cls="figures"), cls="wide")


def picture(png: bytes, says: str, caption: Content = "") -> Html:
    """A picture inside the page, with what it says for those who do not see it."""
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    image = Html(f'<img src="{source}" alt="{html.escape(says)}">')
    return tag("figure", image, *([tag("figcaption", caption)] if caption else []))


def badge(estimate: Estimate) -> Html:
    """The kind of an estimate."""
    return tag("span", estimate.kind, cls=f"kind {estimate.kind.split()[0]}")


def number(value: float, digits: int | None = None) -> str:
    """A number with a true minus sign; four significant digits unless told how many after the point."""
    if not math.isfinite(value):
        return "none"
    shown = f"{value:,.4g}" if digits is None else f"{value:,.{digits}f}"
    shown = shown if any(letter in "123456789" for letter in shown.split("e")[0]) else shown.lstrip("-")
    return shown.replace("-", "−")


def digits_for(se: float) -> int:
    """Digits after the point that leave two of a standard error."""
    if not math.isfinite(se) or se <= 0:
        return 3
    return max(0, min(6, 1 - math.floor(math.log10(se))))


def value_and_error(estimate: Estimate | None, digits: int | None = None) -> Html:
    """`−18.73 ± 0.24`; a dash where there is none, and the word where it failed."""
    if estimate is None:
        return tag("span", "—", cls="none")
    if estimate.failed or not math.isfinite(estimate.value):
        return tag("span", "failed", cls="failed", title="; ".join(estimate.warnings))
    places = digits_for(estimate.se) if digits is None else digits
    error = tag("span", f" ± {number(estimate.se, places)}" if math.isfinite(estimate.se) else "", cls="se")
    return joined([number(estimate.value, places), error])


def page(title: str, kicker: Content, *inside: Content) -> str:
    """The whole file."""
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; style-src '
        "'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<header>{paragraph(kicker, cls='kicker')}{tag('h1', title)}</header>\n"
        f"{joined(inside, chr(10))}\n</main>\n</body>\n</html>\n"
    )


STYLE = """
:root { --ink: #1f2933; --quiet: #5f6b7a; --rule: #dfe4ea; --paper: #fbfbfa; --card: #ffffff; --accent: #0072b2;
  --alarm: #b3470a; --alarm-paper: #fdf1e7; --wash: #f1f4f7; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ed; --quiet: #9aa5b3; --rule: #333c47; --paper: #14181d; --card: #1b2027; --accent: #6fb7e6;
    --alarm: #f0a56b; --alarm-paper: #33241a; --wash: #222933; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 3rem 1.5rem 5rem; }
header { margin-bottom: 2rem; }
h1 { font-size: 2rem; line-height: 1.2; letter-spacing: -0.015em; margin: 0; font-weight: 650;
  overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 0.9rem; font-weight: 650; }
h3 { font-size: 1rem; margin: 1.4rem 0 0.5rem; font-weight: 650; }
p { margin: 0 0 0.8rem; max-width: 44rem; overflow-wrap: anywhere; }
section { margin-top: 2.8rem; }
.ended { margin-top: 1.2rem; }
a { color: var(--accent); text-underline-offset: 0.15em; }
.kicker { color: var(--quiet); font-size: 0.85rem; margin: 0 0 0.4rem; }
.quiet { color: var(--quiet); font-size: 0.9rem; }
.headline { background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
  padding: 1.5rem 1.75rem 0.9rem; }
.headline.parted { display: grid; grid-template-columns: minmax(0, 1fr) 15rem; gap: 0 2.5rem; }
.headline dl { margin: 0 0 0.6rem; padding-left: 1.6rem; border-left: 1px solid var(--rule); align-self: start;
  font-variant-numeric: tabular-nums lining-nums; }
.headline dt { color: var(--quiet); font-size: 0.82rem; }
.headline dd { margin: 0 0 0.6rem; }
.headline .label { color: var(--quiet); font-size: 0.9rem; margin: 0; }
.headline .value { font-size: 2.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.02em; margin: 0 0 0.6rem;
  font-variant-numeric: tabular-nums lining-nums; }
.headline .value .se, .headline .value .unit { font-size: 1.25rem; font-weight: 400; letter-spacing: 0;
  color: var(--quiet); }
.se { color: var(--quiet); }
.kind { display: inline-block; font-size: 0.78rem; line-height: 1.5; font-weight: 500; letter-spacing: 0;
  padding: 0 0.55em; border-radius: 99px; background: var(--wash); color: var(--quiet); white-space: nowrap;
  vertical-align: middle; }
.value .kind { font-size: 0.9rem; margin-left: 0.5rem; }
.failed { color: var(--alarm); font-weight: 600; }
span.kind.failed { background: var(--alarm-paper); color: var(--alarm); }
.none { color: var(--quiet); }
aside { border-left: 4px solid var(--alarm); background: var(--alarm-paper); border-radius: 0 8px 8px 0;
  padding: 0.8rem 1.1rem; margin: 1rem 0; overflow-wrap: anywhere; }
aside p:last-child, aside ul:last-child { margin-bottom: 0; }
aside strong { color: var(--alarm); }
aside.note { border-color: var(--accent); background: var(--wash); }
aside.note strong { color: var(--ink); }
ul { padding-left: 1.2rem; margin: 0 0 0.8rem; max-width: 44rem; }
li { margin-bottom: 0.35rem; }
figure { margin: 0 0 1.2rem; }
figure img { display: block; width: 100%; height: auto; background: #fff; border: 1px solid var(--rule);
  border-radius: 10px; }
figcaption { color: var(--quiet); font-size: 0.9rem; margin-top: 0.6rem; max-width: 44rem; }
table { border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums lining-nums; }
th, td { text-align: left; vertical-align: baseline; padding: 0.42rem 0; border-bottom: 1px solid var(--rule); }
.facts { width: 100%; table-layout: fixed; }
.facts th { width: 12.5rem; font-weight: 400; color: var(--quiet); padding-right: 1rem; }
.facts td { overflow-wrap: anywhere; white-space: pre-line; }
.figures { width: 100%; font-size: 0.875rem; }
.figures th { color: var(--quiet); font-weight: 500; font-size: 0.8rem; line-height: 1.3; vertical-align: bottom; }
.figures th, .figures td { padding: 0.5rem 0.42rem; white-space: nowrap; }
.figures th:first-child, .figures td:first-child { padding-left: 0; }
.figures th:last-child, .figures td:last-child { padding-right: 0; }
.figures .figure { text-align: right; }
.figures tbody tr:hover { background: var(--wash); }
.wide { overflow-x: auto; margin-bottom: 1.4rem; }
.wide .kind { font-size: 0.72rem; }
pre { background: var(--wash); border-radius: 8px; padding: 0.85rem 1.1rem; overflow-x: auto; margin: 0 0 1rem;
  font-size: 0.85rem; line-height: 1.6; white-space: pre-wrap; overflow-wrap: anywhere; }
code, .mono { font-family: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", "Liberation Mono", monospace; }
.mono { font-size: 0.85em; }
footer { margin-top: 3.5rem; color: var(--quiet); font-size: 0.85rem; }
@media (max-width: 40rem) { main { padding: 1.5rem 1rem 3rem; } h1 { font-size: 1.5rem; }
  .headline .value { font-size: 1.9rem; } .facts th { width: 8rem; } .headline.parted { display: block; }
  .headline dl { border: 0; padding: 0; } }
@media print {
  :root { --ink: #000; --quiet: #444; --rule: #bbb; --paper: #fff; --card: #fff; --accent: #000; --alarm: #7a2e00;
    --alarm-paper: #fff; --wash: #f4f4f4; }
  @page { margin: 16mm; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  section { margin-top: 1.6rem; }
  h2, h3 { break-after: avoid; }
  figure, aside, .headline, tr, pre { break-inside: avoid; }
  .wide { overflow: visible; }
  .figures { font-size: 8pt; }
  .headline .value { font-size: 20pt; }
}
"""
