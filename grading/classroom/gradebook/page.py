"""The gradebook as one page: a table with a small picture of each submission's samples and a link to its report."""

from __future__ import annotations

import base64
from html import escape
from typing import Any

from grading.classroom.gradebook.job import Terms, kata_version
from grading.classroom.gradebook.rows import Row
from grading.submission.katas import tasks

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 14px/1.4 system-ui, sans-serif; margin: 1.5rem auto; max-width: 100rem; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .35rem; text-align: right; vertical-align: middle; }
thead th { font-weight: 600; vertical-align: bottom; white-space: nowrap; }
th[scope=row], .text { text-align: left; }
th[scope=row] { min-width: 7rem; max-width: 16rem; overflow-wrap: anywhere; }
td.text { min-width: 13rem; max-width: 30rem; overflow-wrap: anywhere; }
td.none { opacity: .45; }
td.total { font-weight: 600; }
tr.refused, tr.failed { background: var(--soft); }
img { display: block; background: #fff; border-radius: 3px; }
"""


def to_html(rows: list[Row], terms: Terms) -> str:
    """The whole page, with no script and nothing to fetch; whatever a student named or wrote stays text."""
    counts = {s: sum(r.status == s for r in rows) for s in ("graded", "refused", "failed", "waiting")}
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    setting = ", ".join(f"{escape(name)} {escape(str(value))}" for name, value in terms.setting.items())
    ids = [task.id for task in tasks()]
    heads = [*ids, "DDPM", "pts", "DDIM", "pts", "seconds"]
    titles = [*(f"{task.function}: {task.title}" for task in tasks()), *("Chamfer distance", "points of DDPM")]
    titles += ["Chamfer distance", "points of DDIM", "the whole grade"]
    head = "".join(f'<th scope="col" title="{escape(title)}">{name}</th>' for name, title in zip(heads, titles))
    body = "\n".join(_row(row) for row in rows)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gradebook</title><style>{STYLE}</style></head><body>
<h1>Gradebook</h1>
<p>{len(rows)} submissions: {told}. At most {terms.rubric.total:g} points. {setting}. Kata {kata_version()}.</p>
<div class="wide"><table><thead><tr><th scope="col" class="text">name</th>
<th scope="col" class="text">DDPM and DDIM</th><th scope="col">total</th><th scope="col" class="text">what was seen</th>
{head}</tr></thead><tbody>
{body}
</tbody></table></div></body></html>
"""


def _row(row: Row) -> str:
    columns = row.columns()
    numbers = [value for name, value in columns.items() if name[0].isdigit() or name.startswith("DD")]
    picture = ""
    if row.thumbnail:
        source = base64.b64encode(row.thumbnail).decode()
        picture = f'<img width="160" height="80" alt="samples" loading="lazy" src="data:image/png;base64,{source}">'
    name = escape(row.name)
    if row.report:
        name = f'<a href="{escape(row.report)}">{name}</a>'
    seen = [row.status] if row.status != "graded" else []
    seen += [columns["misconception"] and f"looks like: {columns['misconception']}", row.message]
    cells = [f"<td>{picture}</td>", f'<td class="total">{row.points:g}</td>']
    cells.append(f'<td class="text">{"<br>".join(escape(text) for text in seen if text)}</td>')
    cells += map(_number, [*numbers, columns["seconds"]])
    return f'<tr class="{row.status}"><th scope="row">{name}</th>{"".join(cells)}</tr>'


def _number(value: Any) -> str:
    if not value:  # nothing there, or no points: what is not zero stands out
        return f'<td class="none">{"-" if value is None else 0}</td>'
    return f"<td>{round(value, 2):g}</td>"
