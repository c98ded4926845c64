"""Alembic's migrations of the service's database; ``vidqa.service.owner`` runs them on opening."""
