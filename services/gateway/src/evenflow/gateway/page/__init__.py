"""The page: the whole state as HTML, kept fresh by a stream of snapshots.

What status, queues, nodes, jobs and usage show comes in, cut to what fits one page; HTML and
events go out. It imports those nouns and the words of `why`; nothing imports the page but the
list of nouns.
"""
