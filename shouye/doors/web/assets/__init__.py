"""浏览器资源 — package.json and its lock name the exact libraries; `build` lays them in static/vendor."""
