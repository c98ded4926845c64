"""Alembic's migrations of the archive's database; ``vidqa.archive.store`` runs them on opening."""
