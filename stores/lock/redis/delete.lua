-- Deletes a lock and tells all nodes when, so that none brings back the ticket that held it.
--
-- KEYS[1] the lock   ARGV 1 channel to publish on   returns how many keys there were, and the time in microseconds
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local n = redis.call('DEL', KEYS[1])
redis.pcall('PUBLISH', ARGV[1], string.format('%.0f', now) .. '\n' .. KEYS[1])
return {n, now}
