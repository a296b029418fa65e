"""上级链 — from every place somebody can be reached, and from every post the way up ends at the city."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from shouye.base.roster.lints import Lint
from shouye.base.roster.model import CityFiles, DivisionLevel, Post, Problem, Severity


def check(city: CityFiles, _on: date | None) -> Iterator[Problem]:
    posts = {post.id: post for post in city.records.posts}
    manned = {post.division for post in city.records.posts}
    for division in city.records.divisions:
        if division.id not in manned:
            yield Problem(Severity.ERROR, f"divisions.csv {division.id}", "没有任何岗位，叫应无人可找")
    for post in city.records.posts:
        if fault := _fault(post, posts):
            yield Problem(Severity.ERROR, f"posts.csv {post.id}", fault)


def _fault(post: Post, posts: dict[str, Post]) -> str | None:
    seen = {post.id}
    while post.superior is not None:
        if post.superior in seen:
            return f"上级链成环：{post.superior}"
        if post.superior not in posts:
            return f"上级岗位 {post.superior} 不存在"
        post = posts[post.superior]
        seen.add(post.id)
    if post.level is not DivisionLevel.CITY:
        return f"没有通到市级的上级链，止于 {post.id}"
    return None


LINT = Lint("上级链", check)
