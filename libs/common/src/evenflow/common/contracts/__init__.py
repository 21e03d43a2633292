"""What crosses the bus: subjects, the envelope and codec, checkpoints, questions and answers.

Domain objects go in and bytes come out, and the other way. Pydantic checks what comes from outside.
It may import the domain, and no transport.
"""
