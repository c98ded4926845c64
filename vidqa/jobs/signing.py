"""Signatures of webhooks, by the Standard Webhooks specification (symmetric, version ``v1``).

In: the bytes of a message, its id, the time it is sent. Out: the three headers that a receiver
checks. The signature is HMAC-SHA256 over ``id.timestamp.body`` in base64; the key is what follows
``whsec_`` in the secret, decoded. While a secret is being replaced two are live, and a message
carries a signature by each, so that a receiver that knows either accepts it.
Source: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as randomness
from collections.abc import Mapping, Sequence

from vidqa.errors import WebhookError

PREFIX = "whsec_"
TOLERANCE_S = 300
"""How far a message's time may lie from the receiver's clock, either way."""
LIVE_SECRETS = 2
"""Most secrets at once: the new one, and the one it replaces."""
_KEY_BYTES = range(24, 65)
"""Lengths of a key that the specification allows."""


def new_secret() -> str:
    """A secret nobody has seen: ``whsec_`` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(randomness.token_bytes(32)).decode()


def signed_headers(
    body: bytes, *, message_id: str, sent_at_s: int, secrets: Sequence[str]
) -> dict[str, str]:
    """``webhook-id``, ``webhook-timestamp`` and ``webhook-signature`` of ``body``.

    ``message_id`` stays the same in every attempt, for the receiver to drop doubles; ``sent_at_s``
    is whole seconds since the epoch, of this attempt. Raises :class:`WebhookError` for no secret,
    more than :data:`LIVE_SECRETS`, or one that is none.
    """
    if not 1 <= len(secrets) <= LIVE_SECRETS:
        raise WebhookError(
            f"{len(secrets)} secrets to sign with",
            code="webhook_secrets",
            next_step="Give one secret, or two while one replaces the other.",
        )
    signatures = [_signature(body, message_id, str(sent_at_s), each) for each in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at_s),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: Sequence[str],
    now_s: float,
    tolerance_s: float = TOLERANCE_S,
) -> str:
    """The message's id, where ``body`` was signed by one of the ``secrets`` within the tolerance.

    ``headers`` are looked up in lower case. Raises :class:`WebhookError` with the code
    ``webhook_unsigned`` for missing headers, ``webhook_stale`` for a time too far off, and
    ``webhook_forged`` where no signature fits.
    """
    message_id = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not (message_id and given and stamp.isascii() and stamp.isdigit()):
        raise _refused("the message has no signature", "webhook_unsigned")
    if abs(now_s - int(stamp)) > tolerance_s:
        raise _refused(f"the message was signed at {stamp}", "webhook_stale")
    wanted = [f"v1,{_signature(body, message_id, stamp, each)}".encode() for each in secrets]
    found = [
        hmac.compare_digest(one, other.encode()) for one in wanted for other in given.split(" ")
    ]
    if not any(found):
        raise _refused("no signature of the message fits", "webhook_forged")
    return message_id


def checked_secret(secret: str) -> str:
    """The secret itself; raises :class:`WebhookError` where it is none, without telling it."""
    _key(secret)
    return secret


def _signature(body: bytes, message_id: str, stamp: str, secret: str) -> str:
    content = b".".join((message_id.encode(), stamp.encode(), body))
    return base64.b64encode(hmac.new(_key(secret), content, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as err:
        raise _no_secret() from err
    if not secret.startswith(PREFIX) or len(key) not in _KEY_BYTES:
        raise _no_secret()
    return key


def _no_secret() -> WebhookError:
    return WebhookError(
        "a webhook secret cannot be read",  # never the secret itself: this goes to logs
        code="webhook_secret_invalid",
        next_step="Write whsec_ and 24 to 64 bytes in base64, as vidqa.jobs.signing.new_secret().",
    )


def _refused(why: str, code: str) -> WebhookError:
    return WebhookError(why, code=code, next_step="Do not trust it; answer 400.")
