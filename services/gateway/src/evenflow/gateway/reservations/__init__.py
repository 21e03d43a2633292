"""Reservations: room kept in advance for a queue, made, shown and cancelled.

Bodies come in, facts about reservations are appended, and rows of the view go out as documents.
It imports jobs, whose requests and constraints a reservation shares, and queues.
"""
