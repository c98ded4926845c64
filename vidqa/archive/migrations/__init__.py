"""Alembic's migrations of the archive's database; ``vidqa.archive.schema`` runs them on opening."""
