-- The load for wrk. Arguments: "get", or "form" and 16 hex digits that no other run has.
local count, prefix = 0

function init(args)
  if args[1] ~= "form" then return end
  prefix = args[2]
  local origin = "http://" .. wrk.host .. ":" .. wrk.port -- as browsers send with a form
  request = function()
    count = count + 1
    return wrk.format("POST", nil, {["Content-Type"] = "application/x-www-form-urlencoded", ["Origin"] = origin},
      "first_name=Ada&last_name=Lovelace&favourite_food=Pizza&country=GB&pledge=yes&token="
        .. prefix .. string.format("%016x", count))
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"Requests": %d, "Errors": %d, "Seconds": %.6f, "P50": %.1f, "P99": %.1f}\n',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout,
    summary.duration / 1e6, latency:percentile(50), latency:percentile(99)))
end
