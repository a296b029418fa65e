"""看着的人 — screens in a process of their own: `python -m bench.screens URL COOKIE TOKEN COUNT`.

Each holds the stream of changes open and fetches the desk when told to, as the page does; another look goes to the
call board every two seconds. Where Chromium is here, the first screen is a real one. Ends when its input ends;
then prints what kind of screens there were and how many milliseconds each page took.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import time

import httpx
from playwright.async_api import async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


async def _fetch(client: httpx.AsyncClient, path: str, waits: list[float]) -> None:
    begun = time.perf_counter()
    (await client.get(path)).raise_for_status()
    waits.append((time.perf_counter() - begun) * 1000)


async def _desk(client: httpx.AsyncClient, waits: list[float]) -> None:
    while True:
        async with client.stream("GET", "/events") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("event: changed"):
                    await _fetch(client, "/", waits)


async def _board(client: httpx.AsyncClient, waits: list[float]) -> None:
    while True:
        await _fetch(client, "/calls", waits)
        await asyncio.sleep(2)


async def _look(url: str, cookie: str, token: str, count: int) -> None:
    waits: list[float] = []
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    async with (
        contextlib.AsyncExitStack() as open_ones,
        httpx.AsyncClient(base_url=url, cookies={cookie: token}, timeout=60) as client,
    ):
        if CHROMIUM:
            playwright = await open_ones.enter_async_context(async_playwright())
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            context = await browser.new_context(viewport={"width": 1366, "height": 768})
            await context.add_cookies([{"name": cookie, "value": token, "url": url}])
            await (await context.new_page()).goto(url)
        await _fetch(client, "/", [])
        print("open", flush=True)
        looks = [_desk(client, waits) for _ in range(count - bool(CHROMIUM))]
        working = [asyncio.create_task(look) for look in (*looks, _board(client, waits))]
        await ended
        for one in working:
            one.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        if CHROMIUM:
            await browser.close()
    print(f"{count}{'-with-chromium' if CHROMIUM else ''}", *waits)


if __name__ == "__main__":
    asyncio.run(_look(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
