-- Asks Keyhearth whether the client's key is valid. Sets txn.keyhearth_key_id if it is, and answers the client if not.

local CREDENTIALS = { "x-proxbox-api-key", "x-api-key", "authorization" }
local PASSED_ON = { "content-type", "cache-control", "retry-after", "ratelimit", "ratelimit-policy", "www-authenticate", "x-request-id" }
-- HAProxy asks up to three times more before it gives up with a 503 or 504 of its own.
local TIMEOUT_MS = 2000

local function ask(txn, url)
  local headers = txn.http:req_get_headers()
  local question = { ["x-forwarded-for"] = { txn.f:src() } }
  -- Only the key and the client's address: other headers may be larger than Keyhearth reads. All lines of a header go
  -- along, so that Keyhearth can refuse two different keys.
  for _, name in ipairs(CREDENTIALS) do
    question[name] = headers[name]
  end
  return core.httpclient():get({ url = url, headers = question, timeout = TIMEOUT_MS })
end

local function refuse(txn, answer)
  local reply = txn:reply()
  reply:set_status(answer.status)
  for _, name in ipairs(PASSED_ON) do
    local lines = answer.headers[name]
    -- HAProxy counts the lines of a header from 0.
    if lines then reply:add_header(name, lines[0]) end
  end
  reply:set_body(answer.body)
  txn:done(reply)
end

core.register_action("keyhearth", { "http-req" }, function(txn, url)
  local answer = ask(txn, url)
  if answer.status >= 400 then return refuse(txn, answer) end
  local key_id = answer.headers["x-keyhearth-key-id"]
  -- Only the id says that there was a key: an address that is not /auth/verify may answer 200 as well.
  if answer.status ~= 200 or not key_id then return end
  txn:set_var("txn.keyhearth_key_id", key_id[0])
  for _, name in ipairs({ "label", "owner", "scopes" }) do
    local lines = answer.headers["x-keyhearth-" .. name]
    txn:set_var("txn.keyhearth_" .. name, lines and lines[0] or "")
  end
end, 1)
