-- Every step of the ledger, by its name in ARGV[1]. KEYS[1] is the hash of the job. The server runs a script without
-- another command in between, and its clock stands still meanwhile.
--
-- The hash has the slot (seconds since 1970, and nanoseconds), the token, the state ("leased", "returned" or
-- "finished"), the holder, and the end of the lease in microseconds since 1970. Numbers are below 2^53, so that Lua
-- computes exactly. It has no time to live: with it would go the token.

local names = {'seconds', 'nanoseconds', 'token', 'state', 'holder', 'until'}
local stored = redis.call('HMGET', KEYS[1], unpack(names))
local row
if redis.call('EXISTS', KEYS[1]) == 1 then
    row = {}
    for index, name in ipairs(names) do
        if not stored[index] then
            return redis.error_reply('ERR the hash ' .. KEYS[1] .. ' is no row of a ledger: it has no ' .. name)
        end
        row[name] = stored[index]
    end
    for _, name in ipairs({'seconds', 'nanoseconds', 'token', 'until'}) do
        row[name] = tonumber(row[name])
        if not row[name] then
            return redis.error_reply('ERR the hash ' .. KEYS[1] .. ' is no row of a ledger: no number in ' .. name)
        end
    end
end

local time = redis.call('TIME')
local now_seconds, now_microseconds = tonumber(time[1]), tonumber(time[2])
local now = now_seconds * 1000000 + now_microseconds

local function text(number)
    return string.format('%.0f', number)
end

-- Nanoseconds, negative if the slot has passed. Exact if it is near.
local function ahead(seconds, nanoseconds)
    return (seconds - now_seconds) * 1000000000 + nanoseconds - now_microseconds * 1000
end

local function is_over()
    return row.state ~= 'leased' or row['until'] <= now
end

-- Whether no other claim has been granted since.
local function is_of(seconds, nanoseconds, token)
    return row and row.seconds == seconds and row.nanoseconds == nanoseconds and row.token == token
end

local function claim(seconds, nanoseconds, holder, length, at_least_once)
    local function grant(token, discards)
        redis.call('HSET', KEYS[1], 'seconds', text(seconds), 'nanoseconds', text(nanoseconds), 'token', text(token),
            'state', 'leased', 'holder', holder, 'until', text(now + length))
        if discards then
            return {'yes', text(token), text(row.seconds), text(row.nanoseconds)}
        end
        return {'yes', text(token)}
    end

    local early = ahead(seconds, nanoseconds)
    if early > 1000000000 then
        return {'early', text(early)}
    elseif not row then
        return grant(1)
    elseif ahead(row.seconds, row.nanoseconds) > 3 * 3600 * 1000000000 then
        return grant(row.token + 1, true)
    end

    local is_same = seconds == row.seconds and nanoseconds == row.nanoseconds
    local is_later = seconds > row.seconds or (seconds == row.seconds and nanoseconds > row.nanoseconds)
    if is_same and row.state == 'leased' and row.holder == holder then
        return grant(row.token)
    elseif not is_later and not (is_same and row.state ~= 'finished' and at_least_once) then
        return {'taken'}
    elseif is_over() then
        return grant(row.token + 1)
    end
    return {'held', text(row['until'] - now)}
end

local function renew(seconds, nanoseconds, holder, length, token)
    if not is_of(seconds, nanoseconds, token) or row.holder ~= holder or is_over() then
        return {'no'}
    end
    redis.call('HSET', KEYS[1], 'until', text(now + length))
    return {'yes'}
end

local function finish(seconds, nanoseconds, token, done)
    if is_of(seconds, nanoseconds, token) and row.state ~= 'finished' then
        redis.call('HSET', KEYS[1], 'state', done and 'finished' or 'returned')
    end
    return {'yes'}
end

local function last()
    if not row then
        return {'none'}
    end
    return {'yes', text(row.token), text(row.seconds), text(row.nanoseconds), row.state}
end

local step = ARGV[1]
if step == 'last' then
    return last()
end
local seconds, nanoseconds = tonumber(ARGV[2]), tonumber(ARGV[3])
if step == 'claim' then
    return claim(seconds, nanoseconds, ARGV[4], tonumber(ARGV[5]), ARGV[6] == '1')
elseif step == 'renew' then
    return renew(seconds, nanoseconds, ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]))
end
return finish(seconds, nanoseconds, tonumber(ARGV[4]), ARGV[5] == '1')
