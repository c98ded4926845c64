"""Jobs on many machines: Celery workers over a broker, the bell of rows in a database.

``serving`` is ``vidqa worker --broker``: it starts ``member`` processes (``crew``) and sees to
jobs. A member is Celery's own first process (``app`` has its settings); ``process`` is what each
process of its pool does with a message. ``bell`` sends them, ``brokers`` knows which servers are
sound.
"""
