"""Nodes: listed with what is held and free on them, cordoned, labelled and tainted.

Bodies come in, facts about nodes are appended, and the folded state goes out as documents. It
imports no other noun.
"""
