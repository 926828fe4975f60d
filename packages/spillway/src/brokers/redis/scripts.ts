// What has to happen on the server in one step. Every script first looks whether the message is still with the consumer that speaks: what
// comes late, from one who lost it meanwhile, changes nothing.

import type { Redis } from 'ioredis'

const IS_OURS = `
local function ours(key, group, consumer, id)
  return #redis.call('XPENDING', key, group, id, id, 1, consumer) > 0
end
`

/** Messages are removed with their acknowledgement: the stream holds what is not done. */
const END = `${IS_OURS}
for i = 3, #ARGV do
  if ours(KEYS[1], ARGV[1], ARGV[2], ARGV[i]) then
    redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
    redis.call('XDEL', KEYS[1], ARGV[i])
  end
end
return 'OK'
`

/** Answers those that are not with the consumer any more. */
const KEEP = `${IS_OURS}
local lost = {}
for i = 3, #ARGV do
  if ours(KEYS[1], ARGV[1], ARGV[2], ARGV[i]) then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
`

/** Idle for a day: whoever looks next takes it. */
const GIVE_BACK = `
local function give_back(key, group, nobody, id)
  redis.call('XCLAIM', key, group, nobody, 0, id, 'IDLE', 86400000, 'JUSTID')
end
`

const RELEASE = `${IS_OURS}${GIVE_BACK}
for i = 4, #ARGV do
  if ours(KEYS[1], ARGV[1], ARGV[2], ARGV[i]) then
    give_back(KEYS[1], ARGV[1], ARGV[3], ARGV[i])
  end
end
return 'OK'
`

/** A consumer that has pending messages may not be removed: they would never be delivered again. */
const LEAVE = `${GIVE_BACK}
if redis.call('EXISTS', KEYS[1]) == 0 then return 'OK' end
repeat
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1000, ARGV[2])
  for _, entry in ipairs(pending) do
    give_back(KEYS[1], ARGV[1], ARGV[3], entry[1])
  end
until #pending == 0
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 'OK'
`

const REFUSE = `${IS_OURS}
if not ours(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return 'OK' end
local entry = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])[1]
if entry then
  local fields = entry[2]
  fields[#fields + 1] = 'reason'
  fields[#fields + 1] = ARGV[4]
  redis.call('XADD', KEYS[2], '*', unpack(fields))
end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
redis.call('XDEL', KEYS[1], ARGV[3])
return 'OK'
`

/** Consumers of processes that died and left nothing behind, or whose messages were taken over. */
const SWEEP = `
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #info, 2 do consumer[info[i]] = info[i + 1] end
  if consumer['pending'] == 0 and consumer['idle'] > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer['name'])
  end
end
return 'OK'
`

const TAKE_TURN = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`

const END_TURN = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 'OK'
`

export const SCRIPTS = {
  spillwayEnd: { numberOfKeys: 1, lua: END },
  spillwayKeep: { numberOfKeys: 1, lua: KEEP },
  spillwayRelease: { numberOfKeys: 1, lua: RELEASE },
  spillwayLeave: { numberOfKeys: 1, lua: LEAVE },
  spillwayRefuse: { numberOfKeys: 2, lua: REFUSE },
  spillwaySweep: { numberOfKeys: 1, lua: SWEEP },
  spillwayTakeTurn: { numberOfKeys: 1, lua: TAKE_TURN },
  spillwayEndTurn: { numberOfKeys: 1, lua: END_TURN },
}

type Script = (...args: (string | number)[]) => Promise<unknown>

/** The client makes a method of each script. It sends a script's text again when the server has forgotten it. */
export type ScriptedRedis = Redis & { readonly [Name in keyof typeof SCRIPTS]: Script } & {
  /** The client has it, its types have not. */
  readonly xautoclaimBuffer: Script
}
