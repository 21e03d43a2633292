"""Plain values as clients state them and as answers show them: amounts, instants, users, states.

What several rooms read or show alike stands here once. Texts and numbers of a body come in,
values of the domain go out, and back. Pure: it may import the shared domain and nothing of the
gateway.
"""
