"""How bytes come in: streamed to a file in bounded memory, counted, hashed, and looked at.

:mod:`body` reads a request with patience that ends; :mod:`multipart` finds the file in a form;
:mod:`arrival` writes it; :mod:`room` says how much may come; :mod:`resumable` keeps what arrived of
an upload in parts.
"""
