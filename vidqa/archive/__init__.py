"""The archive: what is known of many videos, kept in one database and searched by meaning.

``records`` says what is kept, ``store`` keeps it (SQLite or PostgreSQL, the only truth),
``vectors`` finds the nearest of many vectors, in an index that is derived from the store and can
be thrown away at any time. Nothing here knows a model: vectors come in and go out.
"""
