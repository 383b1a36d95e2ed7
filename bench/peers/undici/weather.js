// Fetches the weather of many cities at once, by Promise.allSettled over undici's client.
//
// usage: weather.js CITIES      prints {"good": N, "seconds": S}
import { readFileSync } from "node:fs";
import { Agent, request } from "undici";

const parts = ["temperature_2m", "relative_humidity_2m", "weather_code", "wind_speed_10m", "time"];
const dispatcher = new Agent({ connections: null, headersTimeout: 10_000, bodyTimeout: 10_000 });

// The current weather; throws for a city that fails.
async function fetchCity(city) {
  const { statusCode, body } = await request(city.url, { dispatcher });
  const document = await body.json();
  if (statusCode !== 200 || !parts.every((part) => part in document.current)) throw new Error(city.name);
  return document.current;
}

const cities = JSON.parse(readFileSync(process.argv[2], "utf8"));
const began = performance.now();
const results = await Promise.allSettled(cities.map(fetchCity));
const seconds = (performance.now() - began) / 1000;
const weather = Object.fromEntries(results.map((result, i) => [cities[i].name, result.value ?? { error: String(result.reason) }]));
const good = Object.values(weather).filter((city) => !("error" in city)).length;
console.log(JSON.stringify({ good, seconds: Number(seconds.toFixed(4)) }));
await dispatcher.close();
