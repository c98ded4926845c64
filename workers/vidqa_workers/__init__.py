"""Questions to vidqa as Celery jobs: one task per kind of question, one model per process."""
