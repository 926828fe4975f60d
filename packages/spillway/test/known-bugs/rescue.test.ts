import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineCommand } from '../../src/index.js'
import { ENGINES } from './engines.js'

const LEASE_MS = 5_000
const queues = { default: { lease: LEASE_MS } }

for (const engine of ENGINES) {
  engine.describe(`rescuing what a dead worker held, on ${engine.name}`, () => {
    it('leaves alone what was completed before its lease ran out (riverqueue/river#1302)', async () => {
      const place = await engine.place()
      const seen: string[] = []
      const greet = defineCommand({
        name: 'greet',
        input: z.string(),
        handle: (name) => void seen.push(name),
      })
      const first = await place.process({ commands: [greet], queues })
      const { id } = await first.spillway.submit(greet, 'Ada')
      await first.spillway.drain()
      const before = await first.spillway.outcome(id)
      expect(before).toMatchObject({ state: 'succeeded', attempts: 1 })
      const rescuer = await place.process({ commands: [greet], queues })
      await place.clock.advance(LEASE_MS * 3)
      await rescuer.spillway.drain()
      expect(await rescuer.spillway.outcome(id)).toEqual(before)
      expect(seen).toEqual(['Ada'])
    })

    it('is not done by a worker that has no handler for it (riverqueue/river#1105)', async () => {
      const place = await engine.place()
      const greet = defineCommand({ name: 'greet', input: z.string(), handle: (name) => name })
      const other = defineCommand({ name: 'other', input: z.string(), handle: () => undefined })
      const intake = await place.process({ commands: [greet, other], queues }, ['intake'])
      const { id } = await intake.spillway.submit(greet, 'Ada')
      // A worker takes it and is never heard of again.
      const store = place.store()
      await store.open()
      const [lease] = await store.claim({
        ...{ queue: 'default', types: ['greet'], leaseMs: LEASE_MS, chunksMax: 1, commandsMax: 10 },
        workerId: 'dead',
      })
      expect(lease?.chunkId).toBe(id.slice(0, -2))
      await place.clock.advance(LEASE_MS * 3)
      const stranger = await place.process({ commands: [other], queues })
      await stranger.spillway.submit(other, 'x')
      await stranger.spillway.drain()
      expect(await stranger.spillway.accounting()).toMatchObject({ succeeded: 1, running: 1, dead: 0 })
      const knowing = await place.process({ commands: [greet], queues })
      await knowing.spillway.drain()
      expect(await knowing.spillway.outcome(id)).toMatchObject({
        state: 'succeeded',
        result: '"Ada"',
        attempts: 2,
      })
      await store.close()
    })
  })
}
