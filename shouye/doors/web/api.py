"""数据接口 — the frame of /api/v1: one router a room, errors as problem documents, one description of all.

依据: RFC 9457 (problem documents), OpenAPI 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from shouye.doors.web.security import API, CSRF_HEADER

PROBLEM = "application/problem+json"


Number = Annotated[int, Path(ge=1, lt=2**31)]
Word = Annotated[str, Path(max_length=100, pattern=r"^[\w./+-]+$")]
"""An id in an address: of a row, of a division or a hazard."""


class Problem(BaseModel):
    """问题说明 — what was refused and why; `detail` is the sentence an officer would read."""

    type: str = Field(description="about:blank，或 urn:shouye:refusal:<拒绝的名称>")
    title: str = Field(description="中文短句")
    status: int
    detail: str = Field(description="中文短句，附本次的具体情况")
    fields: list[str] = Field(default=[], description="有误的字段")


class View(BaseModel):
    """接口所见 — what the interface shows of a record of ours: named fields and nothing else."""

    model_config = ConfigDict(from_attributes=True)


def problem(status: int, detail: str, kind: str = "", fields: Sequence[str] = ()) -> JSONResponse:
    """A refusal as a problem document."""
    said = Problem(
        type=f"urn:shouye:refusal:{kind}" if kind else "about:blank",
        title=detail.partition("（")[0],
        status=status,
        detail=detail,
        fields=list(fields),
    )
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(said.model_dump(), status, headers, PROBLEM)


_MEANINGS = {
    400: "请求读不懂",
    401: "没有登录，或密钥不对",
    403: "没有权限，或缺少表单令牌",
    404: "没有找到，或不在管辖范围内",
    409: "与当前状态冲突",
    413: "提交的内容过大",
    415: "内容压缩过，不收",
    422: "输入有误",
    429: "尝试过多",
    503: "数据库暂时读不到、写不进，请稍后再试",
}


def router(term: str) -> APIRouter:
    """A room's routes under /api/v1, with every refusal declared; `term` groups them in the description."""
    return APIRouter(prefix=API, tags=[term], responses=_refusals())


def _refusals() -> dict[int | str, dict[str, Any]]:
    return {
        status: {"description": meaning, "content": {PROBLEM: {"schema": {"$ref": _PROBLEM_REF}}}}
        for status, meaning in _MEANINGS.items()
    }


_PROBLEM_REF = "#/components/schemas/Problem"


def describe(found: dict[str, Any]) -> dict[str, Any]:
    """Add what FastAPI cannot know: the shape of problems, the two ways to be known, the header of a change."""
    parts = found.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
    parts["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "shouye access key issue 发出的密钥"},
        "session": {"type": "apiKey", "in": "cookie", "name": "shouye", "description": "登录会话"},
        "form": {"type": "apiKey", "in": "header", "name": CSRF_HEADER, "description": "会话的表单令牌，见 /me"},
    }
    for path in found["paths"].values():
        for method, said in path.items():
            said["security"] = [{"key": []}, {"session": []} if method == "get" else {"session": [], "form": []}]
    return found
