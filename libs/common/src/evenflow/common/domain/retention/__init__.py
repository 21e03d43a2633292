"""Where the log may be cut: by cursors of readers, by bases, by the history that is wanted. Pure.

In come the log's extent, the cursors and the bases; out goes a plan. It imports nothing.
"""
