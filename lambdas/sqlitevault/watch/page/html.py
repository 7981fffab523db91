"""A page that needs nothing but itself: readable on a phone, in the dark, on paper, and without a network."""

from html import escape

# Colours that keep 4.5:1 against their background in both schemes (WCAG 2.2, 1.4.3).
_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --card: #f6f7f9; --ink: #1c2330; --quiet: #566073; --line: #d9dde5;
  --good: #12703c; --bad: #b3261e; --note: #566073; --first: #1f5fbf; --second: #8a4b08; --third: #12703c; }
@media (prefers-color-scheme: dark) { :root { --paper: #12161d; --card: #1b212b; --ink: #e6eaf1; --quiet: #a3adbd;
  --line: #343d4b; --good: #5fd391; --bad: #ff8a80; --note: #a3adbd; --first: #82b1ff; --second: #ffb86b;
  --third: #5fd391; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
p { margin: .25rem 0; } .quiet { color: var(--quiet); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem;
  margin: 1rem 0; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-top: 1px solid var(--line); vertical-align: top; }
td.long { overflow-wrap: anywhere; }
thead th { border-top: 0; color: var(--quiet); font-weight: 600; }
td.short { white-space: nowrap; }
.ok { color: var(--good); font-weight: 600; } .failed { color: var(--bad); font-weight: 600; }
.not-applicable { color: var(--note); } .verdict { font-size: 1.15rem; }
.charts { display: grid; gap: 0 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .25rem 0 0; padding: 0;
  font-size: .95rem; } .legend span { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; }
svg { display: block; width: 100%; height: auto; }
@media (max-width: 40rem) { body { padding: .5rem; } section { padding: .75rem; }
  table.stacked thead { display: none; } table.stacked tr { display: block; border-top: 1px solid var(--line);
  padding: .4rem 0; } table.stacked td { display: block; border: 0; padding: .1rem 0; text-align: left; }
  table.stacked td[data-label]::before { content: attr(data-label) ": "; color: var(--quiet); font-weight: 400; } }
"""


def page(title: str, body: str) -> str:
    """Return a whole page; `body` is HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def section(heading: str, content: str) -> str:
    """Return a card; `content` is HTML."""
    return f"<section>\n<h2>{escape(heading)}</h2>\n{content}\n</section>"


def cell(heading: str, kind: str, text: str) -> str:
    """Return one cell of a table; `heading` stands before it where a phone shows cells below each other."""
    return f'<td class="{kind}" data-label="{escape(heading)}">{escape(text)}</td>' if text else "<td></td>"
