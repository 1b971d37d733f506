-- What wrk sends: GET with the keys of a file in turn, or with a key that nobody has sent before.
-- Arguments: the file, or "ever-new" and a random prefix; then "count" to count the answers by status.
-- Requests are put together beforehand, so that one key costs wrk the same as a thousand.

local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

local function request_with(key)
  return wrk.format("GET", wrk.path, { ["X-API-Key"] = key })
end

local function in_turn(path)
  local requests, position = {}, 0
  for key in io.lines(path) do requests[#requests + 1] = request_with(key) end
  return function()
    position = position % #requests + 1
    return requests[position]
  end
end

local function ever_new(prefix)
  local head, tail = request_with("KEY"):match("^(.*)KEY(.*)$")
  local count = 0
  return function()
    count = count + 1
    return head .. prefix .. string.format("%04x%012x", number, count) .. tail
  end
end

function init(args)
  request = args[1] == "ever-new" and ever_new(args[2]) or in_turn(args[1])
  statuses = {}
  -- A callback for every answer halves what wrk can send, so it is there only when asked for.
  if args[#args] == "count" then
    response = function(status) statuses[status] = (statuses[status] or 0) + 1 end
  end
end

function done()
  local total = {}
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("statuses")) do total[status] = (total[status] or 0) + count end
  end
  for status, count in pairs(total) do io.write(string.format("Status %d: %d\n", status, count)) end
end
