-- KEYS: 1 when each is due or its lease ends, in microseconds, 2 members in order of their bytes, 3 data by member.
-- Data are "attempts:length of the id:id" and JSON. ARGV: 1 what to do
local due, names, data = KEYS[1], KEYS[2], KEYS[3]

local function drop(member)
  redis.call('ZREM', due, member)
  redis.call('ZREM', names, member)
  return redis.call('HDEL', data, member)
end

if ARGV[1] == 'set' then -- 2 member, 3 due, 4 data
  redis.call('ZADD', due, ARGV[3], ARGV[2])
  redis.call('ZADD', names, 0, ARGV[2])
  redis.call('HSET', data, ARGV[2], ARGV[4])
  return 1
elseif ARGV[1] == 'list' then -- 2 first member, 3 behind the last
  local list = {}
  for _, member in ipairs(redis.call('ZRANGEBYLEX', names, '[' .. ARGV[2], '(' .. ARGV[3])) do
    list[#list + 1] = redis.call('HGET', data, member)
  end
  return list
elseif ARGV[1] == 'remove' then -- 2 member, 3 id
  local found = redis.call('HGET', data, ARGV[2])
  local start = found and string.find(found, ':', 1, true) + 1
  local id = #ARGV[3] .. ':' .. ARGV[3]
  if not found or string.sub(found, start, start + #id - 1) ~= id then return 0 end
  return drop(ARGV[2])
end
-- claim: 2 now, 3 end of the lease, 4 limit
local list = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', ARGV[2], 'LIMIT', 0, ARGV[4])) do
  local found = redis.call('HGET', data, member)
  if found then
    local stop = string.find(found, ':', 1, true)
    found = string.format('%d', tonumber(string.sub(found, 1, stop - 1)) + 1) .. string.sub(found, stop)
    redis.call('HSET', data, member, found)
    redis.call('ZADD', due, ARGV[3], member)
    list[#list + 1] = found
  else
    drop(member)
  end
end
return list
