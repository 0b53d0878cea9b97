-- Everything that is done to a lock, in one go: tickets are dropped, kept, renewed and issued. The lock is the JSON that
-- Rasa keeps (rasa/core/lock.py TicketLock.dumps, 3.6.21), whose tickets are JSON again. Tickets of others are never
-- rewritten. One's own are known by their whole text, so number and expiry both have to be the same.
--
-- KEYS[1]  the lock
-- ARGV     1 conversation_id as JSON   2 lease in microseconds       3 channel to publish on
--          4 time after which nothing is to be done any more, or 0   5 "1" when this may be a repetition
--          6 how many tickets to issue  7 how many to drop
--          then a number below 1000 for each ticket to issue, the tickets to drop, the tickets to keep. A ticket is given
--          by all texts it may have, separated by |, with * in front when it holds the lock.
-- returns  time; text of the first ticket; how long it lasts; 1 when Rasa may be about to delete the lock; 1 when there
--          are tickets of Rasa's; then the texts of the tickets kept, with ! in front where one had expired or was gone, and of those issued.
--          Of a call that came too late: only the time. Times are in microseconds, by the clock of Redis.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if ARGV[4] ~= '0' and now > tonumber(ARGV[4]) then
  return {now}
end
local lease, issues, drops = tonumber(ARGV[2]), tonumber(ARGV[6]), tonumber(ARGV[7])
local firstDrop = 8 + issues
local firstKeep = firstDrop + drops
local memory = 600 * 1000000 -- how long an expired ticket's number is not given again

-- ticket returns a ticket with the text that Python's json.dumps gives it.
local function ticket(number, expires)
  local seconds = math.floor(expires / 1000000)
  local digits = string.format('%.0f.%06d', seconds, expires - seconds * 1000000)
  digits = string.gsub(string.gsub(digits, '0+$', ''), '%.$', '.0')
  local text = string.format('{"number": %.0f, "expires": %s}', number, digits)
  return {number = number, expires = expires, text = text, mine = true}
end

-- holds tells whether the ARGV of a ticket says that it holds the lock.
local function holds(i)
  return string.sub(ARGV[i], 1, 1) == '*'
end

local function decode(text)
  local ok, v = pcall(cjson.decode, text)
  return ok and type(v) == 'table' and v or {}
end

local raw = redis.call('GET', KEYS[1])
local stored, highest = {}, -1
local texts = raw and decode(raw).tickets
for _, text in ipairs(type(texts) == 'table' and texts or {}) do
  local t = decode(text)
  if type(t.number) == 'number' and type(t.expires) == 'number' then
    table.insert(stored, {number = t.number, expires = math.floor(t.expires * 1000000 + 0.5), text = text})
    highest = math.max(highest, t.number)
  end
end

local owner = {}
for i = firstDrop, #ARGV do
  for text in string.gmatch(ARGV[i], '{[^|]*') do
    owner[text] = i
  end
end

-- What is there already. Of the expired tickets of others, which may still be at work, the one with the highest number
-- stays, so that theirs are not given to anybody else; Rasa passes over it.
local live, kept, mark = {}, {}, nil
local changed, dropped, rasas = false, false, 0
for _, t in ipairs(stored) do
  local i = owner[t.text]
  if i and (i < firstKeep or kept[i]) then
    changed, dropped = true, true
  elseif i and t.expires < now and not holds(i) then
    changed = true -- it gets a place again below
  elseif i then
    t.mine, t.lost = true, t.expires < now
    if t.expires - now < lease * 0.75 then
      t.expires = now + lease
      t.text = ticket(t.number, t.expires).text
      changed = true
    end
    kept[i] = t
    table.insert(live, t)
  elseif t.expires >= now then
    table.insert(live, t)
    if t.expires - now > lease * 1.5 or string.find(t.text, '%.%d%d%d%d%d%d%d') then
      rasas = 1 -- Python's times have more digits, and Rasa's tickets last longer
    end
  elseif t.expires < now - memory or (mark and mark.number >= t.number) then
    changed = true
  else
    changed = changed or mark ~= nil
    mark = t
  end
end

-- Tickets that expired, or that somebody's SET has overwritten, get their places back, unless their numbers were given
-- away: then they go to the end. So does one that waits and would come first, since the turn of the first there is may have
-- begun. Numbers are never out of order: Rasa takes that of the last ticket for the highest.
for i = firstKeep, #ARGV do
  if not kept[i] then
    local number = tonumber(string.match(ARGV[i], '%d+'))
    local place = #live + 1
    local taken = mark and mark.number == number
    for j = #live, 1, -1 do
      taken = taken or live[j].number == number
      if live[j].number > number then
        place = j
      end
    end
    if taken or (place == 1 and #live > 0 and not holds(i)) then
      number, place = highest + 1, #live + 1
    end
    highest = math.max(highest, number)
    kept[i] = ticket(number, now + lease)
    kept[i].lost = true
    table.insert(live, place, kept[i])
    changed = true
  end
end

-- The last three digits of a new ticket's expiry are the caller's: by them a repetition finds what was issued before.
local issued = {}
for j = 1, issues do
  local digits, t = tonumber(ARGV[7 + j]), nil
  for _, other in ipairs(ARGV[5] == '1' and live or {}) do
    if not other.mine and other.expires % 1000 == digits and other.expires <= now + lease + 1000 then
      t = other
    end
  end
  if not t then
    highest = highest + 1
    local expires = now + lease
    t = ticket(highest, expires - expires % 1000 + digits)
    table.insert(live, t)
    changed = true
  end
  t.mine = true
  table.insert(issued, t)
end

local first = live[1]
if changed and not first and not mark then
  redis.call('DEL', KEYS[1])
elseif changed then
  if mark then
    table.insert(live, 1, mark)
  end
  local list, last = {}, now
  for _, t in ipairs(live) do
    table.insert(list, (string.gsub(cjson.encode(t.text), '\\/', '/')))
    last = math.max(last, t.expires)
  end
  local value = '{"conversation_id": ' .. ARGV[1] .. ', "tickets": [' .. table.concat(list, ', ') .. ']}'
  redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', (last + memory - now) / 1000))
end
if dropped and first and not first.mine then
  redis.pcall('PUBLISH', ARGV[3], first.text .. '\n' .. KEYS[1])
end

-- Rasa writes an empty list just before it deletes the lock with whatever is in it by then.
local answer = {now, first and first.text or '', first and first.expires - now or 0, raw and #stored == 0 and 1 or 0, rasas}
for i = firstKeep, #ARGV do
  table.insert(answer, (kept[i].lost and '!' or '') .. kept[i].text)
end
for _, t in ipairs(issued) do
  table.insert(answer, t.text)
end
return answer
