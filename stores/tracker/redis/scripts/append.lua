-- Puts events behind the known ones. Returns {1, digest, stamp}, or {0} when the conversation is not at the known place.
-- ARGV: 1 known length (0: none), 2 its digest, 3 its stamp, 4 events, 5 end of the value, 6 lifetime in ms (0: for ever),
--       7 commit, 8 sender, 9 offset of the first event that stays (0: all stay), 10 events before it, 11 summary of them
local length, fresh, ending = tonumber(ARGV[1]), ARGV[4], ARGV[5]
local cut, moved, summary = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]
local n = redis.call('STRLEN', key)
if n == 0 and length == 0 and stamp ~= '0:' then forget() end
local at = length > 0 and length - #ending or #head
local put = fresh
if at > #head and fresh ~= '' then put = ', ' .. fresh end

local start = head .. summary
if summary ~= '' then start = start .. ', ' end

-- A command may come twice when a connection breaks. So a writer that finds its own events where they belong is done.
local function isThere(from)
  return put ~= '' and n >= from + #put + #ending and redis.call('GETRANGE', key, from, from + #put - 1) == put
end
local archived = tonumber(state[1] or '0')
if length > 0 and cut > 0 and stamp ~= ARGV[3] and stamp == number(tonumber(string.match(ARGV[3], '^%d+')) + moved) .. ':' .. (state[2] or '') then
  local from = #start + at - cut
  if from < #start then
    put, from = string.sub(put, cut - at + 1), #start
  end
  if isThere(from) then return {1, digest(from + #put), stamp} end
  return {0}
end
if n ~= length or stamp ~= ARGV[3] or length > 0 and (digest(at) ~= ARGV[2] or redis.call('GETRANGE', key, at, n - 1) ~= ending) then
  if stamp == ARGV[3] and (length == 0 or digest(at) == ARGV[2]) and isThere(at) then return {1, digest(at + #put), stamp} end
  return {0}
end

if cut > 0 then
  local events = (length > 0 and redis.call('GETRANGE', key, 0, at - 1) or head) .. put
  local closed, last = string.sub(events, #head + 1, cut - 2), redis.call('HGET', segments, 'segments')
  local before = last and redis.call('HGET', segments, last)
  if before and string.sub(closed, 1, #before) == before then
    -- A Rasa node that had read the value before it was cut wrote all of it again.
    closed = string.sub(closed, #before + 3)
    moved = moved - tonumber(redis.call('HGET', segments, 'in:' .. last))
  end
  if closed ~= '' then
    local next = tostring(tonumber(last or '0') + 1)
    redis.call('HSET', segments, next, closed, 'in:' .. next, number(moved), 'segments', next, 'events', number(archived + moved))
    if summary ~= '' then redis.call('HSETNX', segments, 'open', next) end
    stamp = number(archived + moved) .. ':' .. (state[2] or '')
  end
  if summary == '' then redis.call('HDEL', segments, 'open') end
  redis.call('SET', key, start .. string.sub(events, cut + 1) .. ending)
elseif length == 0 then
  redis.call('SET', key, head .. put .. ending)
elseif put ~= '' then
  redis.call('SETRANGE', key, at, put .. ending)
end
expire(tonumber(ARGV[6]))
note(ARGV[7], ARGV[8], fresh)
return {1, digest(redis.call('STRLEN', key) - #ending), stamp}
