"""坐标系 — one file for each coordinate system that is not WGS-84, named as a feed's block names it."""
