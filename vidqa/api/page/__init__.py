"""The page at ``/``: static files, held in memory, behind one router."""

from vidqa.api.page.routes import page_router

__all__ = ["page_router"]
