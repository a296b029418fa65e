"""帧格式货架 — where a protocol's frame begins and ends and whether it is whole, one constant `FRAMES`."""
