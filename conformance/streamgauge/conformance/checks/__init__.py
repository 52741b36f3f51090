"""The checks: one module a documented object, one function a clause.

Where two objects promise the same in the same words, one function tries both clauses, under two
decorators.

A check is a plain coroutine function that reads like the promise it tries. It imports no
pytest and nothing of asyncio's internals, and judges only what the page documents; whatever
it needs of the world comes from the trial, `t`.
"""
