"""The gradebook as one page: a table with a small picture of each submission's samples and a link to its report."""

from __future__ import annotations

import base64
from html import escape
from typing import Any

from grading.gradebook.job import Terms, kata_version
from grading.gradebook.rows import Row
from grading.katas import tasks

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem auto; max-width: 90rem; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: right; vertical-align: middle; }
thead th { font-weight: 600; vertical-align: bottom; white-space: nowrap; }
th[scope=row], .text { text-align: left; }
th[scope=row] { max-width: 16rem; overflow-wrap: anywhere; }
td.text { min-width: 14rem; max-width: 28rem; overflow-wrap: anywhere; }
td.none { opacity: .5; }
tr.refused, tr.failed { background: var(--soft); }
img { display: block; background: #fff; border-radius: 3px; }
"""


def to_html(rows: list[Row], terms: Terms) -> str:
    """The whole page, with no script and nothing to fetch; whatever a student named or wrote stays text."""
    counts = {s: sum(r.status == s for r in rows) for s in ("graded", "refused", "failed", "waiting")}
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    setting = ", ".join(f"{escape(name)} {escape(str(value))}" for name, value in terms.setting.items())
    ids = [task.id for task in tasks()]
    heads = ["samples", "total", *ids, "DDPM", "pts", "DDIM", "pts"]
    titles = ["DDPM left, DDIM right", f"of {terms.rubric.total:g}", *(f"{t.function}: {t.title}" for t in tasks())]
    titles += ["Chamfer distance", "points", "Chamfer distance", "points"]
    head = "".join(f'<th scope="col" title="{escape(title)}">{name}</th>' for name, title in zip(heads, titles))
    body = "\n".join(_row(row) for row in rows)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gradebook</title><style>{STYLE}</style></head><body>
<h1>Gradebook</h1>
<p>{len(rows)} submissions: {told}. At most {terms.rubric.total:g} points. {setting}. Kata {kata_version()}.</p>
<div class="wide"><table><thead><tr><th scope="col" class="text">name</th>{head}
<th scope="col" class="text">what was seen</th><th scope="col">seconds</th></tr></thead><tbody>
{body}
</tbody></table></div></body></html>
"""


def _row(row: Row) -> str:
    columns = row.columns()
    numbers = [value for name, value in columns.items() if name[0].isdigit() or name.startswith("DD")]
    picture = ""
    if row.thumbnail:
        source = base64.b64encode(row.thumbnail).decode()
        picture = f'<img width="200" height="100" alt="samples" loading="lazy" src="data:image/png;base64,{source}">'
    name = escape(row.name)
    if row.report:
        name = f'<a href="{escape(row.report)}">{name}</a>'
    seen = [row.status] if row.status != "graded" else []
    seen += [columns["misconception"] and f"looks like: {columns['misconception']}", row.message]
    cells = [f"<td>{picture}</td>", _number(columns["total"]), *map(_number, numbers)]
    cells.append(f'<td class="text">{"<br>".join(escape(text) for text in seen if text)}</td>')
    cells.append(_number(columns["seconds"]))
    return f'<tr class="{row.status}"><th scope="row">{name}</th>{"".join(cells)}</tr>'


def _number(value: Any) -> str:
    return '<td class="none">-</td>' if value is None else f"<td>{value:g}</td>"
