"""强杀试验 — the real program, killed (-9) again and again, beside the run that nobody disturbed.

`python -m bench.crash --kills 1000 --seed N`. A failure names its seed and its kills: it can be played again.
"""
