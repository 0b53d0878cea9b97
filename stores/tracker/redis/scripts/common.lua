-- Shared by the scripts of conversations. KEYS: 1 conversation, 2 notes of commits, 3 index of notes, 4 segments.
local key, notes, index, segments = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local head, window = '{"events": [', 1024

-- What is said of the last bytes of the events: two lists that end alike and are as long are taken for the same.
local function digest(stop)
  return redis.sha1hex(redis.call('GETRANGE', key, math.max(0, stop - window), stop - 1))
end

-- stamp tells how many events are in segments, and the generation: another one after the conversation was replaced.
local state = redis.call('HMGET', segments, 'events', 'generation')
local stamp = (state[1] or '0') .. ':' .. (state[2] or '')

-- forget removes the segments of a conversation that is gone, because its key expired first or was removed by hand.
local function forget()
  redis.call('DEL', segments)
  state, stamp = {false, false}, '0:'
end

local function number(n)
  return string.format('%.0f', n)
end

-- note keeps a commit with its events until it is settled. Its field begins with the time, so that fields are in order.
local function note(commit, sender, events)
  if commit == '' then return end
  local t = redis.call('TIME')
  local now = t[1] * 1000000 + t[2]
  for _, field in ipairs(redis.call('HKEYS', notes)) do
    now = math.max(now, tonumber(string.match(field, '^%d+')) + 1)
  end
  redis.call('HSET', notes, number(now) .. ':' .. commit, events)
  redis.call('ZADD', index, 'NX', number(now), sender)
end

local function expire(ttl)
  for _, k in ipairs({key, segments}) do
    if ttl > 0 then redis.call('PEXPIRE', k, ttl) else redis.call('PERSIST', k) end
  end
end
