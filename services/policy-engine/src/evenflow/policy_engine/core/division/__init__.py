"""How much of each resource every queue may hold: its fair share.

Deserved first, then the rest by priority band, weight and decayed usage, down the tree; exactly, in
whole units, or as KAI-Scheduler divides. It takes capacity, definitions, requests and usage, and
returns shares by queue and resource; it also reads the case files of `evenflow fairshare`. It may
import `placement`, for the shapes that requests are counted by.
"""
