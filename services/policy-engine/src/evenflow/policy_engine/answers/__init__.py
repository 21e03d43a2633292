"""Questions that only the engine which leads answers, by request-reply: it listens while it leads.

`why` answers why a job waits, by the core's explanation of the state as it is; `usage_in_use`
answers which usage snapshot the next cycle would decide by. A desk takes a question from the bus
and returns the answer in a contract's words; no question stops or delays deciding. It may import
the core, contracts and the runtime, not the engine that opens it.
"""
