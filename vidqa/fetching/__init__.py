"""What comes from outside: URLs fetched and webhooks sent under guard, paths below roots."""

from vidqa.fetching.fetch import Fetched, fetch
from vidqa.fetching.guard import Target, check
from vidqa.fetching.network import Network, SystemNetwork
from vidqa.fetching.post import Answer, post
from vidqa.fetching.roots import Rooted, Roots
from vidqa.fetching.rules import ANY_PUBLIC_HOST, FetchRules

__all__ = [
    "ANY_PUBLIC_HOST",
    "Answer",
    "FetchRules",
    "Fetched",
    "Network",
    "Rooted",
    "Roots",
    "SystemNetwork",
    "Target",
    "check",
    "fetch",
    "post",
]
