"""Finds the nearest of an archive's vectors, in an index derived from its database.

``local`` is the index of one machine: FAISS in memory (``body``, of the ``kinds`` that pay at its
size), kept in one file (``snapshot``) so that opening need not read the database again.
``pgvector`` is the networked one, in a PostgreSQL database. ``opening`` takes either, by where it
lies. Both only propose candidates: ``ranking`` scores these exactly, from the source's own vectors.
Nothing here centres vectors: a source hands them out as they are to be compared, and queries come
alike.

FAISS, psycopg and pgvector are imported by the module that uses them, not by this one.
"""
