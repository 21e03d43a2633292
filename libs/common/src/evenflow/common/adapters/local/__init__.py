"""Real processes on this machine. The bare fork server imports this too: keep it empty.

Run orders come in, events of runs go out; each run is a directory and a process of its own
(`runner`), so an executor may die and be replaced. It may import ports and domain, not other
adapters.
"""
