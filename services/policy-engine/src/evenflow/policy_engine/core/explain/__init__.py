"""Why a job is where it is, in codes and numbers, and when it may start.

Asked by request-reply, outside of cycles: it reads the state and changes nothing. It takes a job's
id and `now`, and returns an `Explanation`: who goes first and why, level by level, what is short,
and a predicted start with what that rests on. Words are made elsewhere. It may import all rooms but
`replay`.
"""
