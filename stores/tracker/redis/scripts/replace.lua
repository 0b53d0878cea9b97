-- Makes another value of a conversation's. Returns {1, digest, stamp}, or {0} when it is not at the known place.
-- ARGV: 1 known length (0: none), 2 its digest, or with 11 that of the whole value, 3 its stamp, 4 new events, 5 end of the
--       value, 6 lifetime in ms (0: for ever), 7 commit, 8 sender, 9 all events of the new value, 10 generation ('': stays),
--       11 whether the known value is in another form
local length, ending = tonumber(ARGV[1]), ARGV[5]
local n, value = redis.call('STRLEN', key), head .. ARGV[9] .. ending
if n == 0 and length == 0 and stamp ~= '0:' then forget() end
local same = n == length and stamp == ARGV[3]
if same and ARGV[11] == '1' then
  same = redis.sha1hex(redis.call('GET', key)) == ARGV[2]
elseif same and length > 0 then
  same = digest(length - #ending) == ARGV[2] and redis.call('GETRANGE', key, length - #ending, length - 1) == ending
end
if not same then
  -- A command may come twice when a connection breaks.
  local again = ARGV[10] == '' and stamp == ARGV[3] or stamp == '0:' .. ARGV[10]
  if not (again and ARGV[9] ~= '' and n == #value and redis.call('GET', key) == value) then return {0} end
  return {1, digest(n - #ending), stamp}
end
if ARGV[10] ~= '' then
  redis.call('DEL', segments)
  redis.call('HSET', segments, 'generation', ARGV[10])
  stamp = '0:' .. ARGV[10]
end
redis.call('SET', key, value)
expire(tonumber(ARGV[6]))
note(ARGV[7], ARGV[8], ARGV[4])
return {1, digest(#value - #ending), stamp}
