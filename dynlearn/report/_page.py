"""The frame of a page: its head, its looks, its table of contents. No script, nothing fetched."""

from html import escape

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The browser itself refuses whatever is not inside the file."""

STYLE = """
:root { color-scheme: light dark;
  --page: #ffffff; --ink: #1c2126; --soft: #5b636d; --line: #e2e6ea; --card: #f6f8fa; --accent: #0b63a5;
  --best: #e3f1ea; --best-ink: #0a5a3c; }
@media (prefers-color-scheme: dark) { :root {
  --page: #14171a; --ink: #e4e7ea; --soft: #9aa3ad; --line: #2b3138; --card: #1c2126; --accent: #6db7f2;
  --best: #173528; --best-ink: #86dcb2; }
  figure img { filter: invert(0.93) hue-rotate(180deg); } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.layout { max-width: 800px; margin: 0 auto; padding: 3rem 1.25rem 4rem; }
header { margin-bottom: 2rem; }
h1 { font-size: 2.1rem; line-height: 1.2; letter-spacing: -0.015em; margin: 0 0 0.4rem;
  text-wrap: balance; }
.subtitle { font-size: 1.1rem; color: var(--soft); margin: 0; }
h2 { font-size: 1.35rem; line-height: 1.3; letter-spacing: -0.01em; margin: 3rem 0 0.8rem;
  padding-top: 1.2rem;
  border-top: 1px solid var(--line); scroll-margin-top: 0.5rem; }
p { margin: 0 0 1rem; max-width: 68ch; overflow-wrap: break-word; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
nav { margin: 0 0 2rem; font-size: 0.92rem; }
nav strong { display: block; font-size: 0.75rem; letter-spacing: 0.06em; text-transform: uppercase;
  color: var(--soft); margin-bottom: 0.4rem; }
nav ol { margin: 0; padding: 0; list-style: none; columns: 2; column-gap: 2rem; }
nav li { margin: 0.15rem 0; break-inside: avoid; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 0.8rem;
  margin: 0 0 2rem; }
.card { display: grid; grid-row: span 3; grid-template-rows: subgrid; row-gap: 0; margin: 0;
  padding: 0.9rem 1rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.card dt { font-size: 0.82rem; line-height: 1.35; color: var(--soft); }
.card dd { margin: 0; }
.card .value { font-size: 1.65rem; line-height: 1.3; font-weight: 650; letter-spacing: -0.015em;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.card .note { font-size: 0.82rem; line-height: 1.4; color: var(--soft); }
figure { margin: 1.6rem 0 2rem; }
figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figcaption { font-size: 0.88rem; line-height: 1.5; color: var(--soft); margin-top: 0.6rem;
  max-width: 72ch; }
figcaption b { color: var(--ink); font-weight: 600; }
.table figcaption { margin: 0 0 0.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; line-height: 1.4; }
th, td { padding: 0.42rem 0.7rem; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: baseline; }
thead th { font-weight: 600; color: var(--soft); border-bottom: 1.5px solid var(--soft);
  white-space: nowrap; }
tbody th { font-weight: 500; }
.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.best { background: var(--best); color: var(--best-ink); font-weight: 650; }
.keys { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; font-size: 0.9rem;
  margin: 1rem 0 1.6rem;
  border-top: 1px solid var(--line); }
.keys > * { padding: 0.32rem 0.7rem 0.32rem 0; border-bottom: 1px solid var(--line); margin: 0; }
.keys dt { color: var(--soft); padding-right: 1.6rem; } .keys dd { overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 0.9rem 1rem;
  overflow-x: auto; font: 0.84rem/1.55 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono",
  monospace; }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 0.82rem;
  color: var(--soft); }
@media (min-width: 1180px) {
  .layout.contents { max-width: 1100px; display: grid; grid-template-columns: 200px minmax(0, 800px);
  column-gap: 4rem; }
  .contents header, .contents main, .contents footer { grid-column: 2; }
  .contents nav { grid-column: 1; grid-row: 1 / span 3; position: sticky; top: 3rem; align-self: start;
    max-height: calc(100vh - 5rem); overflow-y: auto; }
  .contents nav ol { columns: 1; } .contents nav li { margin: 0.35rem 0; line-height: 1.4; } }
@media (max-width: 560px) { .layout { padding-top: 1.6rem; } h1 { font-size: 1.6rem; } nav ol {
  columns: 1; }
  .keys { grid-template-columns: 1fr; } .keys dt { border-bottom: 0; padding-bottom: 0; } }
@media print { nav { display: none; } figure, .card, tr { break-inside: avoid; } h2 { break-after: avoid; }
  body { font-size: 11pt; } }
"""


def page(title: str, subtitle: str, contents: list[tuple[str, str]], body: list[str], footer: str) -> str:
    """The whole document. `contents` has (anchor, heading); `body` is HTML, everything else is text."""
    lead = f'<p class="subtitle">{escape(subtitle)}</p>' if subtitle else ""
    shown = len(contents) > 1
    layout = "layout contents" if shown else "layout"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<div class="{layout}">
<header><h1>{escape(title)}</h1>{lead}</header>
{_contents(contents) if shown else ""}
<main>
{chr(10).join(body)}
</main>
<footer>{escape(footer)}</footer>
</div>
</body>
</html>
"""


def _contents(contents: list[tuple[str, str]]) -> str:
    items = "".join(
        f'<li><a href="#{escape(anchor)}">{escape(heading)}</a></li>' for anchor, heading in contents
    )
    return f'<nav aria-label="Contents"><strong>Contents</strong><ol>{items}</ol></nav>'
