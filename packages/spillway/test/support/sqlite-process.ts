// A process of its own on a store that others use too. Started by tests through jiti:
//   sqlite-process.ts write <path> <name> <chunks>      appends, printing `acked <chunk id>` after each commit
//   sqlite-process.ts work  <path> <name> <commands>    claims and settles until the store has finished so many
//   sqlite-process.ts both  <path> <name>               does both, until it is killed

import { argv, stdout } from 'node:process'
import { type ChunkDraft, commandId, type Lease, type Settlement } from '../../src/domain/index.js'
import type { SettleScope } from '../../src/ports/index.js'
import { systemClock } from '../../src/runtime/index.js'
import { type SqliteTx, sqlite } from '../../src/stores/sqlite/index.js'

const CHUNK_COMMANDS = 7
const [, , role, path = '', name = '', count = '0'] = argv
const store = sqlite(path, { busyTimeout: 20_000 })
await store.open()

if (role === 'write') await write(Number(count))
if (role === 'work') await work(Number(count))
if (role === 'both') await both()
await store.close()

async function write(chunks: number): Promise<void> {
  for (let n = 0; n < chunks; n += 1) await appendOne(n)
}

async function appendOne(n: number): Promise<void> {
  const draft = draftOf(n)
  await store.append([draft])
  stdout.write(`acked ${draft.id}\n`)
}

async function work(commands: number): Promise<void> {
  while ((await store.reader.accounting()).succeeded < commands) {
    if ((await workOnce()) === 0) await systemClock.sleep(2)
  }
}

async function both(): Promise<void> {
  for (let n = 0; ; n += 1) {
    await appendOne(n)
    if (n % 2 === 1) await workOnce()
    // Lets the pipe drain: a killed process takes what it has not written yet.
    await systemClock.sleep(0)
  }
}

/** Every effect is a row of its own, so that a command that is executed twice fails by its primary key. */
async function workOnce(): Promise<number> {
  const leases = await store.claim({
    ...{ queue: 'main', types: ['work'], chunksMax: 4, commandsMax: 100, leaseMs: 600_000, workerId: name },
  })
  if (leases.length === 0) return 0
  await store.settleWithin(leases, (scope, valid) =>
    leases.filter((_, n) => valid[n]).map((lease) => apply(scope, lease)),
  )
  return leases.length
}

function apply({ tx }: SettleScope<SqliteTx>, lease: Lease): Settlement {
  const insert = tx.prepare('insert into effects (command_id, token, worker) values (?, ?, ?)')
  for (let index = 0; index < lease.size; index += 1) {
    insert.run(commandId(lease.chunkId, index), lease.token, name)
  }
  return { chunkId: lease.chunkId, token: lease.token, updates: [], finished: [], complete: true }
}

function draftOf(n: number): ChunkDraft {
  const payloads = Array.from({ length: CHUNK_COMMANDS }, (_, index) =>
    JSON.stringify({ from: name, n, index }),
  )
  return {
    id: idOf(n),
    ...{ queue: 'main', type: 'work', priority: 0, partition: null, codec: 'json', parked: null },
    body: `[${payloads.join(',')}]`,
    size: CHUNK_COMMANDS,
    keys: payloads.map((_, index) => ({ key: `${name}-${n}-${index}`, fingerprint: 'f', windowMs: 60_000 })),
  }
}

function idOf(n: number): string {
  const writer = Buffer.from(name).toString('hex').slice(0, 8).padStart(8, '0')
  return `${(0x0190_0000_0000 + n).toString(16).padStart(12, '0')}7000${writer}00000000`
}
