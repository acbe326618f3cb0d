-- post.lua - the request of BENCH_BODY, over and over; done() prints what came.
--
-- With BENCH_EXACTLY it sends so many and no more, then says so; whoever runs wrk
-- ends it, since wrk itself always waits for the end of its time.

local exactly = tonumber(os.getenv("BENCH_EXACTLY"))
local file = assert(io.open(os.getenv("BENCH_BODY"), "rb"))

wrk.method = "POST"
wrk.path = "/v1/responses"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json"
wrk.headers["Authorization"] = "Bearer bench-0123456789abcdef0123456789abcdef"
wrk.headers["User-Agent"] = "OpenAI/JS 6.9.0"
file:close()

-- Globals with these names make wrk slower, so they exist only when needed.
if exactly then
	local sent, answered = 0, 0

	-- Milliseconds until a connection may send; wrk asks before each request.
	function delay()
		sent = sent + 1
		return sent <= exactly and 0 or 1000000000
	end

	function response()
		answered = answered + 1
		if answered == exactly then
			io.stderr:write("all answered\n")
		end
	end
end

function done(summary, latency)
	local e = summary.errors

	print(string.format('{"requests":%d,"us":%d,"bytes":%d,"p50":%d,"p99":%d,' ..
	    '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}',
	    summary.requests, summary.duration, summary.bytes,
	    latency:percentile(50), latency:percentile(99),
	    e.connect, e.read, e.write, e.status, e.timeout))
end
