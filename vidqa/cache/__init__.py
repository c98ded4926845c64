"""What was computed from a video, kept on disk: the vision tokens of its frames, row by row.

``space`` says what rows belong together, ``pack`` is the file they lie in, ``rows`` finds and adds
them, ``folder`` keeps the files of a kind under one byte budget. Nothing here is needed for an
answer: what is missing, damaged or cannot be written is computed again. No torch.
"""

from vidqa.cache.folder import CacheFolder, Cleared, Entry
from vidqa.cache.rows import Recalled, Rows, RowStore, checks_of
from vidqa.cache.space import Space
from vidqa.cache.summary import summary

__all__ = [
    "CacheFolder",
    "Cleared",
    "Entry",
    "Recalled",
    "RowStore",
    "Rows",
    "Space",
    "checks_of",
    "summary",
]
