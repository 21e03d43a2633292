"""Jobs that wait for their turn: the order in each leaf queue, its head of line, job classes.

Jobs that are placed and judged alike form a job class, which is closed when they found no room or
a gate refused them, and opened when something changed that may help: so what cannot start costs
nothing. It takes jobs that come, go and change, and tells whose turn is next, who may be passed,
who has waited past a target and who backs off. It may import `ordering`, `placement` and
`estimates`.
"""
