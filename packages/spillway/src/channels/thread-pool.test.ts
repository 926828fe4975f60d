import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { command, QUEUE } from '../../test/support/channel-rig.js'
import { pool, resolveConfig } from '../config/index.js'
import { Intake } from '../intake/index.js'
import { SILENT } from '../ports/index.js'
import { createChunkIds, newSecret, systemClock, systemRandom } from '../runtime/index.js'
import { memory } from '../stores/memory/index.js'
import { createExecutor } from '../worker/index.js'
import { createChannel } from './create-channel.js'
import { attachThreads } from './threads.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-threads-'))
  await writeFile(
    join(folder, 'jobs.mjs'),
    'export const spin = () => { for (;;); }\nexport const fine = (n) => n + 1\nexport const fail = () => { throw new Error("boom") }\n',
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Threads compile what they load before they begin, and a loaded machine needs its time for that. */
const CLOSE_TIMEOUT_MS = 100_000

it('a pool runs its commands on threads, and a computation beyond its timeout is ended and parked', {
  timeout: 2 * CLOSE_TIMEOUT_MS,
}, async () => {
  const patient = { timeout: CLOSE_TIMEOUT_MS }
  const spec = pool({ coreSize: 1, maxSize: 2, threads: join(folder, 'jobs.mjs') })
  const commands = [command('fine', patient), command('fail', patient), command('spin', { timeout: '100ms' })]
  const store = memory()
  const { commands: known, queues } = resolveConfig({
    store,
    commands,
    queues: { [QUEUE]: { channel: spec } },
  })
  const threads = attachThreads(known, queues, SILENT)
  const parts = {
    definitions: threads.definitions,
    store,
    clock: systemClock,
    random: systemRandom,
    telemetry: SILENT,
  }
  const queue = queues.get(QUEUE)
  if (queue === undefined) throw new Error('no queue')
  const channel = createChannel(spec, {
    ...parts,
    queue,
    executor: createExecutor({ ...parts, workerId: 'w1', newSecret }),
    newChunkId: createChunkIds(systemClock, systemRandom),
    closeTimeoutMs: CLOSE_TIMEOUT_MS,
  })
  const intake = new Intake({
    ...parts,
    queues,
    channels: new Map([...queues.keys()].map((name) => [name, channel])),
  })

  const [fine, fail, spin] = await Promise.all([
    intake.submit('fine', 41),
    intake.submit('fail', null),
    intake.submit('spin', null),
  ])
  await channel.close()
  await threads.close()
  expect(channel.lookup(fine.id)).toMatchObject({ state: 'succeeded', result: '42' })
  const [failed, ended] = await store.reader.get([fail.id, spin.id])
  expect(failed).toMatchObject({ state: 'retrying', error: { message: 'boom' } })
  expect(ended).toMatchObject({ state: 'retrying', error: { code: 'handler_timeout' } })
})
