-- The load for wrk. Without arguments it sends GET requests. With two, each request submits a form:
-- the first is the form without its token, the second 16 hex digits with which the tokens of this
-- run begin.
local count = 0

function init(args)
  local form, prefix = args[1], args[2]
  if not form then return end
  local headers = {
    ["Content-Type"] = "application/x-www-form-urlencoded",
    ["Origin"] = "http://" .. wrk.host .. ":" .. wrk.port, -- browsers send it with a form
  }
  request = function()
    count = count + 1
    local token = prefix .. string.format("%016x", count)
    return wrk.format("POST", nil, headers, form .. "&token=" .. token)
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"Requests": %d, "Errors": %d, "Seconds": %.6f, "P50": %.1f, "P99": %.1f}\n',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout,
    summary.duration / 1e6, latency:percentile(50), latency:percentile(99)))
end
