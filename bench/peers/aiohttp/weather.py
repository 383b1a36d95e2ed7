"""Fetches the weather of many cities at once, by asyncio.gather over one session of aiohttp.

usage: weather.py CITIES      prints {"good": N, "seconds": S}"""
import asyncio
import json
import sys
import time

import aiohttp
import uvloop

PARTS = ("temperature_2m", "relative_humidity_2m", "weather_code", "wind_speed_10m", "time")


async def fetch(session, city):
    """The current weather, or the error of this city."""
    try:
        async with session.get(city["url"]) as answer:
            answer.raise_for_status()
            current = json.loads(await answer.read())["current"]
            return {part: current[part] for part in PARTS}
    except (aiohttp.ClientError, asyncio.TimeoutError, ValueError, KeyError, TypeError) as error:
        return error


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        cities = json.load(file)
    began = time.monotonic()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10)) as session:
        weather = dict(zip((city["name"] for city in cities), await asyncio.gather(*(fetch(session, city) for city in cities))))
        seconds = time.monotonic() - began
    good = sum(isinstance(city, dict) for city in weather.values())
    print(json.dumps({"good": good, "seconds": round(seconds, 4)}))


uvloop.install()
asyncio.run(main())
