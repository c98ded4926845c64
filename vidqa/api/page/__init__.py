"""The page at ``/``: static files, held in memory, behind a handful of routes."""

from vidqa.api.page.routes import page_routes

__all__ = ["page_routes"]
