"""Who may pass a blocked head: later jobs start in gaps, where that delays no promise.

A cycle asks it twice: whether a head that fits would delay who comes before it by right, and, once
all turns are taken, which jobs behind blocked heads start now (EASY, or conservative by windows).
It takes a session with its promises, and starts jobs in it. It may import `session` and what is
below.
"""
