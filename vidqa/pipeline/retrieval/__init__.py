"""The archive searched and asked: a query in, hits or an answer with citations out.

``queries -> serving (index) -> moments (fuse, merge) -> alike (fold) -> paging -> searcher``
``searcher -> footage -> verifying, refining, asking``
"""
