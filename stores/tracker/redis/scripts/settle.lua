-- Removes the notes of commits. ARGV: 1 sender, others: commits
local done, oldest = {}, nil
for i = 2, #ARGV do done[ARGV[i]] = true end
for _, field in ipairs(redis.call('HKEYS', notes)) do
  local time, commit = string.match(field, '^(%d+):(.*)$')
  if done[commit] then
    redis.call('HDEL', notes, field)
  else
    oldest = math.min(oldest or tonumber(time), tonumber(time))
  end
end
if oldest then
  redis.call('ZADD', index, number(oldest), ARGV[1])
else
  redis.call('ZREM', index, ARGV[1])
end
return 1
