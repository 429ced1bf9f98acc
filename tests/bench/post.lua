-- post.lua: what wrk asks for: a report of a kilobyte, each another one.
--
--	wrk ... -s post.lua URL -- METHOD SEED
--
-- With PUT each goes to a path of its own. The last line of the output is
-- "requests SECONDS ANSWERED OTHER", OTHER of them not with a status of success.

local method, seed, thread
local made = 0

local text = [[{"organization-name":"Example Mailer Inc.","date-range":]]
	.. [[{"start-datetime":"2026-02-12T00:00:00Z",]]
	.. [["end-datetime":"2026-02-12T23:59:59Z"},]]
	.. [["contact-info":"smtp-tls-reporting@example.org",]]
	.. [["report-id":"2026-02-12T00:00:00Z_@@@@example.org","policies":[]]
	.. [[{"policy":{"policy-type":"sts","policy-string":["version: STSv1",]]
	.. [["mode: enforce","mx: mx1.example.test","mx: mx2.example.test",]]
	.. [["max_age: 604800"],"policy-domain":"example.test",]]
	.. [["mx-host":["mx1.example.test","mx2.example.test"]},"summary":]]
	.. [[{"total-successful-session-count":100,]]
	.. [["total-failure-session-count":3},"failure-details":[]]
	.. [[{"result-type":"certificate-expired","sending-mta-ip":"192.0.2.7",]]
	.. [["receiving-mx-hostname":"mx1.example.test",]]
	.. [["receiving-ip":"198.51.100.20","failed-session-count":3}]}]}]]
local at = text:find("@@@@", 1, true)
local before, behind = text:sub(1, at - 1), text:sub(at + 3)
local headers = { ["Content-Type"] = "application/tlsrpt+json" }

local threads = 0

function setup(t)
	threads = threads + 1
	t:set("number", threads)
end

function init(args)
	method, seed = args[1], args[2]
end

function request()
	made = made + 1
	local name = seed .. "-" .. number .. "-" .. made
	local path = method == "PUT" and "/bodies/" .. name or nil
	return wrk.format(method, path, headers, before .. name .. behind)
end

function done(summary)
	local bad = summary.errors
	print(string.format("requests %.6f %d %d", summary.duration / 1e6,
	    summary.requests,
	    bad.status + bad.connect + bad.read + bad.write + bad.timeout))
end
