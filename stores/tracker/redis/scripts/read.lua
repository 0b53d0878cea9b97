-- Returns {1, fields of notes, stamp, events behind the known ones, their digest} if the conversation goes on from what is
-- known, otherwise {0, fields of notes, stamp, value or false, segments...}.
-- Segments are all, or those of the running session.
-- ARGV: 1 known length, 2 its digest, 3 its stamp, 4 end of the value, 5 whether all sessions are asked for
local length, ending = tonumber(ARGV[1]), ARGV[4]
local fields = redis.call('HKEYS', notes)
if length > 0 and stamp == ARGV[3] then
  local n, known = redis.call('STRLEN', key), length - #ending
  if n >= length and digest(known) == ARGV[2] and redis.call('GETRANGE', key, n - #ending, n - 1) == ending then
    if n == length then return {1, fields, stamp, '', ARGV[2]} end
    return {1, fields, stamp, redis.call('GETRANGE', key, known, n - #ending - 1), digest(n - #ending)}
  end
end
local result = {0, fields, stamp, redis.call('GET', key)}
local counts = redis.call('HMGET', segments, 'segments', 'open')
local first = ARGV[5] == '1' and '1' or counts[2]
for i = tonumber(first or 1), first and tonumber(counts[1] or 0) or 0 do
  result[#result + 1] = redis.call('HGET', segments, tostring(i)) or ''
end
return result
