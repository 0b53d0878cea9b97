-- Removes all that is stored of a conversation and returns its value and how many events its segments had.
-- ARGV: 1 sender
local value = redis.call('GET', key)
redis.call('DEL', key, notes, segments)
redis.call('ZREM', index, ARGV[1])
return {value, state[1] or '0'}
