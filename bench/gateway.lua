-- What wrk sends to the gateway and to what it is compared with: a small request for a chat, with one key.
-- Argument: a file whose first line is the key.

local sent

function init(args)
  local key = io.lines(args[1])()
  local body = '{"model":"bench","messages":[{"role":"user","content":"' .. string.rep("Hello. ", 40) .. '"}]}'
  local headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
  sent = wrk.format("POST", wrk.path, headers, body)
end

function request()
  return sent
end
