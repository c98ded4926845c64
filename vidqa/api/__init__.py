"""The service over HTTP: a thin shell over the store of jobs and the library of videos.

A request passes, from the outside in: :mod:`correlation` (ids, log line, metrics), :mod:`problems`
(every error as problem+json), :mod:`hosts` (names and origins it may come under), :mod:`doors`
(whose key it is, and how much that key may ask), :mod:`bodies` (how much it may send), a route.
Nothing here imports torch: work is done by workers.
"""
