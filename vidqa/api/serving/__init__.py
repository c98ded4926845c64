"""``vidqa serve``: the socket, the processes, their beginning and their end.

:mod:`listening` binds, :mod:`children` keeps processes running, :mod:`server` is uvicorn with our
application, :mod:`whole` puts them together.
"""
