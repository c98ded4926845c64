"""Webhooks are signed as the Standard Webhooks specification says."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.errors import WebhookError
from vidqa.jobs.signing import checked_secret, new_secret, signed_headers, verify

# The example of the specification's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  (everybody's)
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT_S = 1614265330
BODY = b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_specifications_example_is_signed_to_the_letter() -> None:
    headers = signed_headers(BODY, message_id=MESSAGE_ID, sent_at_s=AT_S, secrets=[SECRET])
    assert headers == {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNED,
    }


def test_two_live_secrets_make_two_signatures_and_either_receiver_accepts() -> None:
    old, new = new_secret(), new_secret()
    headers = signed_headers(BODY, message_id="evt_1", sent_at_s=AT_S, secrets=[new, old])
    assert len(headers["webhook-signature"].split(" ")) == 2
    for known in (old, new):
        assert verify(BODY, headers, secrets=[known], now_s=AT_S + 1) == "evt_1"


@pytest.mark.parametrize("late_s", [-301, 301])
def test_a_message_from_another_time_is_refused(late_s: int) -> None:
    headers = signed_headers(BODY, message_id="evt_1", sent_at_s=AT_S, secrets=[SECRET])
    with pytest.raises(WebhookError) as told:
        verify(BODY, headers, secrets=[SECRET], now_s=AT_S + late_s)
    assert told.value.code == "webhook_stale"


@given(body=st.binary(max_size=64), flipped=st.integers(0, 63))
def test_a_changed_body_is_refused(body: bytes, flipped: int) -> None:
    headers = signed_headers(body, message_id="evt_1", sent_at_s=AT_S, secrets=[SECRET])
    other = bytearray(body or b"x")
    other[flipped % len(other)] ^= 1
    with pytest.raises(WebhookError) as told:
        verify(bytes(other), headers, secrets=[SECRET], now_s=AT_S)
    assert told.value.code == "webhook_forged"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_message_without_one_of_the_headers_is_refused(name: str) -> None:
    headers = signed_headers(BODY, message_id="evt_1", sent_at_s=AT_S, secrets=[SECRET])
    del headers[name]
    with pytest.raises(WebhookError) as told:
        verify(BODY, headers, secrets=[SECRET], now_s=AT_S)
    assert told.value.code == "webhook_unsigned"


def test_new_secrets_differ_and_are_32_bytes() -> None:
    one, other = new_secret(), new_secret()
    assert one != other
    assert len(base64.b64decode(one.removeprefix("whsec_"))) == 32


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_??", SECRET[6:]])
def test_what_is_no_secret_is_refused_without_being_told(secret: str) -> None:
    with pytest.raises(WebhookError) as told:
        checked_secret(secret)
    assert told.value.code == "webhook_secret_invalid"
    assert secret in ("", "whsec_") or secret not in str(told.value.to_dict())


@pytest.mark.parametrize("count", [0, 3])
def test_one_or_two_secrets_sign(count: int) -> None:
    with pytest.raises(WebhookError) as told:
        signed_headers(BODY, message_id="evt_1", sent_at_s=AT_S, secrets=[SECRET] * count)
    assert told.value.code == "webhook_secrets"
