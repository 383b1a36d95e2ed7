-- bench/load.lua - the requests of wrk: articles by random ids. The seed decides their order.
--
--     wrk ... -s bench/load.lua http://127.0.0.1:PORT -- SEED N     ids 1 to N
--
-- The last line of the output is the result as JSON, after the word RESULT. Times are in milliseconds.

local requests, n = {}, 0

function init(args)
   math.randomseed(tonumber(args[1]))
   n = tonumber(args[2])
   for id = 1, n do
      requests[id] = wrk.format("GET", "/articles/" .. id)
   end
end

function request()
   return requests[math.random(n)]
end

function done(summary, latency, _)
   local e = summary.errors
   io.write(string.format(
      'RESULT {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, ' ..
      '"bad_status": %d, "socket_errors": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
      latency:percentile(99) / 1e3, latency.max / 1e3, e.status,
      e.connect + e.read + e.write + e.timeout))
end
