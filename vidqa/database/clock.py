"""The database's own clock, in SQL: processes on several machines agree on it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class now_ms(FunctionElement[int]):  # noqa: N801  (a function of SQL)
    """Whole milliseconds since 1970."""

    type = BigInteger()
    inherit_cache = True


class now_s(FunctionElement[float]):  # noqa: N801  (a function of SQL)
    """Seconds since 1970, to the millisecond."""

    type = Double()
    inherit_cache = True


# julianday, since unixepoch('subsec') needs an SQLite of 2023.
@compiles(now_ms, "sqlite")
def _ms_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


@compiles(now_ms, "postgresql")
def _ms_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"


@compiles(now_s, "sqlite")
def _s_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return "round((julianday('now') - 2440587.5) * 86400.0, 3)"


@compiles(now_s, "postgresql")
def _s_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
