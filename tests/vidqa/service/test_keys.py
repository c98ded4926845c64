"""API keys: shown once, kept as digests, told apart in constant time."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from vidqa.database import Database
from vidqa.errors import ServiceError
from vidqa.service.keys import ApiKeys, allows
from vidqa.service.tables import api_keys


@pytest.fixture
def keys(database: Database) -> ApiKeys:
    return ApiKeys(database)


def refused(keys: ApiKeys, text: str) -> str:
    with pytest.raises(ServiceError) as caught:
        keys.check(text)
    return caught.value.code


def test_a_key_is_known_again_with_its_tenant_and_scopes(keys: ApiKeys) -> None:
    made, text = keys.create(name="laptop", tenant="ann", scopes=["read"])
    assert keys.check(text) == made
    assert (made.tenant, made.scopes) == ("ann", {"read"})


def test_the_database_does_not_hold_the_key(keys: ApiKeys, database: Database) -> None:
    _, text = keys.create(name="laptop")
    secret = text.rpartition("_")[2]
    with database.reading() as db:
        row = db.execute(select(api_keys)).one()
    assert not any(secret in str(value) for value in row)


def test_a_key_that_differs_in_one_letter_opens_nothing(keys: ApiKeys) -> None:
    _, text = keys.create(name="laptop")
    other = "A" if text[-1] != "A" else "B"
    assert refused(keys, text[:-1] + other) == "key_invalid"


@pytest.mark.parametrize("text", ["", "vidqa_", "vidqa__", "x" * 5000, "vidqa_é_a", "\ud800", "\0"])
def test_what_is_no_key_opens_nothing(keys: ApiKeys, text: str) -> None:
    keys.create(name="laptop")
    assert refused(keys, text) == "key_invalid"


def test_a_revoked_key_opens_nothing_and_stays_listed(keys: ApiKeys) -> None:
    made, text = keys.create(name="laptop")
    assert keys.exist()
    revoked = keys.revoke(made.id)
    assert refused(keys, text) == "key_invalid"
    assert not keys.exist()
    assert keys.all() == [revoked]
    assert keys.revoke(made.id) == revoked


def test_a_key_that_is_not_there_cannot_be_revoked(keys: ApiKeys) -> None:
    with pytest.raises(ServiceError, match="no key") as caught:
        keys.revoke("key_nowhere")
    assert caught.value.code == "key_missing"


@pytest.mark.parametrize(
    "given",
    [{"scopes": ["root"]}, {"scopes": []}, {"name": ""}, {"tenant": "a\nb"}, {"name": "x" * 201}],
)
def test_a_key_that_cannot_be_is_refused(keys: ApiKeys, given: dict[str, object]) -> None:
    with pytest.raises(ServiceError) as caught:
        keys.create(**{"name": "laptop", **given})  # type: ignore[arg-type]
    assert caught.value.code == "key_impossible"
    assert keys.all() == []


def test_whoever_may_write_may_read_and_an_admin_may_everything(keys: ApiKeys) -> None:
    writer, _ = keys.create(name="w", scopes=["write"])
    admin, _ = keys.create(name="a", scopes=["admin"])
    assert [allows(writer, scope) for scope in ("read", "write", "admin")] == [True, True, False]
    assert all(allows(admin, scope) for scope in ("read", "write", "admin"))
