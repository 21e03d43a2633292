"""Jobs: submitted one by one or many at once, listed, changed, cancelled, and their output.

Bodies come in over REST and on the bus, facts are appended, and rows of the view go out as
documents. It imports the rules of queues, by which a job finds its queue, and what lies below all
nouns.
"""
