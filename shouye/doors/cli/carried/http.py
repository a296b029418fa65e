"""HTTP 推送 — to the console of this machine, with a key of this feed."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping

from shouye.base.kernel import BadInput
from shouye.doors.cli.simulation import LOOPBACK, Carrier, Plan

_CONSOLE = 8080


def _carry(plan: Plan) -> Mapping[str, int]:
    if not plan.key:
        raise BadInput("HTTP 推送要密钥：--key 或 SHOUYE_PUSH_KEY")
    console = http.client.HTTPConnection(LOOPBACK, plan.port or _CONSOLE, timeout=30)

    def send(_station: str, data: bytes) -> str:
        console.request("POST", "/api/v1/push", data, {"Authorization": f"Bearer {plan.key}"})
        answer = console.getresponse()
        told = json.loads(answer.read())
        return str(told["rows"][0]["word"]) if answer.status == 200 else f"{answer.status}"

    try:
        return plan.drive(send)
    finally:
        console.close()


CARRIER = Carrier(carry=_carry)
