"""Where Alembic begins: runs the migrations inside the transaction that it was handed."""

from __future__ import annotations

from alembic import context

given = context.config.attributes
context.configure(
    connection=given["connection"],
    version_table=given["version_table"],
    transactional_ddl=False,
)
context.run_migrations()
