"""接口说明与接口一致 — whatever the description allows is answered as it says, for every role and for a key.

No answer of the server's own fault, only declared statuses, bodies that match their schemas; bounded examples, the
same each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.result import Ok

from shouye.base.access import OPERATOR, Purpose, issue_key
from shouye.doors.web import CityContext, create_app
from shouye.doors.web.security import API, CSRF_HEADER
from tests.doors.web.conftest import PEOPLE, Console, console_of
from tests.doors.web.scene import copy_of

KEYS = {"read": Purpose.READ, "push": Purpose.PUSH}
EXAMPLES = {"leader": 5}
"""For each operation; two for those who are refused most of it."""
CONFORMS: Any = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def acting(waiting: CityContext, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """One copy for all: what one example changes, the next may meet."""
    city = copy_of(waiting, tmp_path_factory.mktemp("contract"))
    yield console_of(city)
    city.database.close()


@pytest.mark.parametrize("who", [*PEOPLE, *KEYS])
def test_the_interface_does_what_its_description_says(acting: Console, who: str) -> None:
    app = create_app(acting.city)
    if who in KEYS:
        with acting.city.database.begin() as tx:
            feed = "rain" if who == "push" else ""
            _, key = issue_key(tx, OPERATOR, purpose=KEYS[who], division="dt", days=1, feed=feed)
        headers = {"Authorization": f"Bearer {key}"}
    else:
        headers = {"Cookie": f"{acting.city.cookie}={acting.tokens[who]}", CSRF_HEADER: acting.csrf(who)}
    schema = schemathesis.openapi.from_asgi(f"{API}/openapi.json", app, headers=headers)
    operations = asked = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        operations += 1

        @hypothesis.settings(
            max_examples=EXAMPLES.get(who, 2),
            derandomize=True,
            deadline=None,
            database=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def ask(case: schemathesis.Case[Any]) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(headers=headers, checks=CONFORMS)

        ask()
    assert asked >= operations > 30
