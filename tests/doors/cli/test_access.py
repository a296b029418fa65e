"""账号与密钥命令 — on both databases; a key is shown once and opens what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from shouye.base.access import SignInGate, SignInRefused, check_key, check_password
from shouye.base.kernel import Database, Mode, WallClock, open_vault, vault_path
from shouye.base.kernel.vault import KEY_SETTING
from shouye.base.roster import import_city, load_city, snapshot
from shouye.main import CITIES, cli


@pytest.fixture
def database(database_url: str) -> Database:
    found = Database(database_url, WallClock(), durable=False)
    found.create(Mode.ACTUAL, "dt")
    with found.begin() as tx:
        import_city(tx, load_city(CITIES / "datong"))
    return found


def run(url: str, *words: str, typed: str | None = None, code: int = 0) -> str:
    result = CliRunner().invoke(cli, ["access", *words, "--database", url], input=typed)
    assert result.exit_code == code, result.output
    return result.output


def test_accounts_are_opened_listed_changed_and_closed(database: Database, database_url: str) -> None:
    def enter(password: str) -> str:
        with database.read() as tx:
            return check_password(tx, SignInGate(), "zhou", password, "::1").actor.tag

    typed = "a long enough word\na long enough word\n"
    opening = ("user", "add", "zhou", "--name", "周", "--role", "duty", "--division", "dt-c08")
    run(database_url, *opening, "--post", "dt-c08/county_duty", typed=typed)
    assert "dt-c08/county_duty" in run(database_url, "user", "list")
    assert enter("a long enough word") == "user:1"
    told = run(database_url, "user", "password", "zhou", "--draw")
    with pytest.raises(SignInRefused):
        enter("a long enough word")
    assert enter(told.strip().rpartition("：")[2]) == "user:1"
    run(database_url, "user", "close", "zhou")
    with pytest.raises(SignInRefused):
        enter(told.strip().rpartition("：")[2])
    assert "已止" in run(database_url, "user", "list")


@pytest.mark.parametrize(
    "words",
    [
        ("user", "add", "zhou", "--name", "周", "--role", "duty", "--division", "dt-c99", "--draw"),
        ("user", "add", "zhou", "--name", "周", "--role", "god", "--division", "dt", "--draw"),
        ("user", "add", "zhou", "--name", "周", "--role", "program", "--division", "dt", "--draw"),
        ("user", "add", "zhou", "--name", "周", "--role", "duty", "--division", "dt", "--post", "x", "--draw"),
        ("user", "close", "nobody"),
        ("key", "issue", "--purpose", "push", "--division", "dt"),
        ("key", "issue", "--purpose", "read", "--division", "dt", "--feed", "rain"),
        ("key", "issue", "--purpose", "read", "--division", "dt", "--days", "4000"),
        ("key", "revoke", "7"),
    ],
)
def test_what_makes_no_sense_is_refused(database: Database, database_url: str, words: tuple[str, ...]) -> None:
    run(database_url, *words, code=2)
    assert "dt" not in run(database_url, "user", "list") + run(database_url, "key", "list")


def test_a_key_is_shown_once_and_ends(database: Database, database_url: str) -> None:
    told = run(database_url, "key", "issue", "--purpose", "push", "--division", "dt-c08", "--feed", "rain")
    token = told.strip().splitlines()[-1]
    with database.read() as tx:
        actor = check_key(tx, token)
        assert check_key(tx, token + "x") is None
    assert actor is not None
    assert (actor.tag, actor.feed, actor.scope.division) == ("key:1", "rain", "dt-c08")
    listed = run(database_url, "key", "list")
    assert token not in listed
    assert "有效" in listed
    run(database_url, "key", "revoke", "1")
    with database.read() as tx:
        assert check_key(tx, token) is None
    assert "已作废" in run(database_url, "key", "list")


def test_the_key_of_contacts_is_made_once_and_changed(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.read() as tx:
        before = snapshot(tx).contact(1)
    assert before
    out = run(database_url, "contacts", "rotate-key")
    assert "个号码改用新密钥" in out
    database.install(open_vault(vault_path(database_url), make=False))
    with database.read() as tx:
        assert snapshot(tx).contact(1) == before
    monkeypatch.setenv(KEY_SETTING, str(tmp_path / "other.key"))
    assert "0600" in run(database_url, "contacts", "make-key")
    run(database_url, "contacts", "make-key", code=2)


def test_what_would_be_destroyed_is_counted_first(database: Database, database_url: str) -> None:
    city = str(CITIES / "datong")
    assert "将销毁" in run(database_url, "sweep", "--city", city, "--dry-run")
    assert "已销毁" in run(database_url, "sweep", "--city", city)


def test_a_lost_telephone_is_unbound(database: Database, database_url: str) -> None:
    run(database_url, "user", "add", "zhou", "--name", "周", "--role", "leader", "--division", "dt", "--draw")
    assert "已解除 zhou 的动态口令" in run(database_url, "user", "reset-factor", "zhou")
    run(database_url, "user", "reset-factor", "nobody", code=2)


def test_where_the_key_of_a_server_lies_is_never_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_SETTING)
    monkeypatch.chdir(tmp_path)
    url = "postgresql://nobody@/nothing?host=/nowhere"
    assert "--data" in run(url, "contacts", "make-key", code=2)
    assert list(tmp_path.iterdir()) == []
    assert "keys/contacts.key" in run(url, "contacts", "make-key", "--data", "srv")
    assert (tmp_path / "srv/keys/contacts.key").stat().st_mode & 0o777 == 0o600
