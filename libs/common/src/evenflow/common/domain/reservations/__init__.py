"""Room kept in advance: what is kept, for whom and when, and the rules of asking for it.

A reservation is a noun with its rules; who keeps it is the state, who honours it the engine. It may
import jobs, for it asks as a job does.
"""
