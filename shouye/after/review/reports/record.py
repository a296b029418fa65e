"""演练记录 — the documented JSON record: the same drill gives the same bytes. Schema: docs/drill-record.md."""

from __future__ import annotations

import json

from shouye.after.review.model import DrillPapers, Report


def render(papers: DrillPapers) -> bytes:
    return (json.dumps(papers.result.record, ensure_ascii=False, indent=1) + "\n").encode()


REPORT = Report(term="演练记录", filename="drill.json", render=render)
