"""Who goes before whom: queues among their siblings, and jobs inside a queue.

Queues take turns by priority, by what they hold of their fair share and by decayed usage, down the
tree (`queue_keys` makes the key, `turns` keeps the heaps); jobs are ranked by their queue's policy
(`policies`, or an installed one, which is checked at every answer). It takes shares, usage and what
queues hold, and returns keys and turns. It may import `division` and `placement`.
"""
