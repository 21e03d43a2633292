"""What others may write: the interfaces of scheduling policies and of quota providers.

Jobs, queues and the state go in; a choice or a verdict comes out. The engine calls what is
registered, so these names are kept. It may import the state and the nouns, not the fold.
"""
