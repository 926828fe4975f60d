import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineCommand, into, retry, type Spillway } from '../../src/index.js'
import { ENGINES } from './engines.js'

const Click = z.object({ id: z.string(), n: z.int() })
type Click = z.output<typeof Click>
const TABLE = 'create table clicks (id text primary key, n integer not null check (n >= 0))'

const record = defineCommand({
  name: 'click.record',
  input: Click,
  retry: { attempts: 1 },
  handleBatch: into<Click>('clicks', { key: ['id'] }),
})

for (const engine of ENGINES) {
  engine.describe(`bulk writes on ${engine.name}`, () => {
    it('land 999 rows around one that the table refuses (hookdeck/outpost#948)', async () => {
      const place = await engine.place()
      await place.sql(TABLE)
      const { spillway } = await place.process({ commands: [record] })
      const clicks = range(1_000).map((at) => ({ id: `c${at}`, n: at === 637 ? -1 : at }))
      const ids = await submitAll(spillway, record, clicks)
      await ended(spillway, 1_000)
      expect(await spillway.accounting()).toMatchObject({ succeeded: 999, dead: 1 })
      expect(await spillway.outcome(ids[637] ?? '')).toMatchObject({ state: 'dead' })
      expect(await place.sql('select count(*) as rows, min(n) as least from clicks')).toEqual([
        numbers({ rows: 999, least: 0 }),
      ])
    })

    it('take two rows of one key in one batch, and the later one stays', async () => {
      const place = await engine.place()
      await place.sql(TABLE)
      const { spillway } = await place.process({ commands: [record] })
      const clicks = range(500).map((at) => ({ id: `c${at % 50}`, n: at }))
      await submitAll(spillway, record, clicks)
      await ended(spillway, 500)
      expect(await spillway.accounting()).toMatchObject({ succeeded: 500, dead: 0 })
      expect(await place.sql('select count(*) as rows, min(n) as least from clicks')).toEqual([
        numbers({ rows: 50, least: 450 }),
      ])
    })

    it('of two processes over the same keys in opposite orders end without a deadlock', async () => {
      const place = await engine.place()
      await place.sql(TABLE)
      const config = { commands: [record], queues: { default: { concurrency: 4 } } }
      const one = await place.process(config)
      const other = await place.process(config)
      const rounds = range(20)
      await Promise.all(
        rounds.flatMap((round) => [
          submitAll(
            one.spillway,
            record,
            range(100).map((at) => ({ id: `c${at}`, n: round })),
          ),
          submitAll(
            other.spillway,
            record,
            range(100).map((at) => ({ id: `c${99 - at}`, n: round })),
          ),
        ]),
      )
      await ended(one.spillway, 4_000)
      // With a single attempt, a deadlock that reached a command would have ended it.
      expect(await one.spillway.accounting()).toMatchObject({ succeeded: 4_000, dead: 0 })
      expect(await place.sql('select count(*) as rows from clicks')).toEqual([numbers({ rows: 100 })])
    })

    it('that are tried again in part repeat nothing of what was confirmed (redpanda-connect#4400)', async () => {
      const place = await engine.place()
      const executions = new Map<string, number>()
      const send = defineCommand({
        name: 'click.send',
        input: Click,
        retry: { backoff: { delay: 1, jitter: 'none' } },
        handleBatch: (clicks, { commands }) =>
          clicks.map(({ id, n }, at) => {
            executions.set(id, (executions.get(id) ?? 0) + 1)
            return n % 10 === 0 && commands[at]?.attempt === 1 ? retry('not yet') : null
          }),
      })
      const { spillway } = await place.process({ commands: [send] })
      await submitAll(
        spillway,
        send,
        range(500).map((at) => ({ id: `c${at}`, n: at })),
      )
      await ended(spillway, 450)
      await place.clock.advance(100)
      await ended(spillway, 500)
      expect(await spillway.accounting()).toMatchObject({ succeeded: 500 })
      for (const at of range(500)) expect(executions.get(`c${at}`), `c${at}`).toBe(at % 10 === 0 ? 2 : 1)
    })
  })
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at)
}

async function submitAll(
  spillway: Spillway,
  command: Parameters<Spillway['submitMany']>[0],
  clicks: readonly Click[],
): Promise<string[]> {
  const verdicts = await spillway.submitMany(command, clicks)
  return verdicts.map((verdict) => {
    if (!verdict.ok) throw verdict.error
    return verdict.receipt.id
  })
}

/** Resolves once so many commands have ended. */
async function ended(spillway: Spillway, count: number): Promise<void> {
  for (;;) {
    await spillway.drain()
    const { succeeded, failed, dead, compensated, cancelled } = await spillway.accounting()
    if (succeeded + failed + dead + compensated + cancelled >= count) return
  }
}

/** Counts come as numbers or as texts, as the driver has it. */
function numbers(row: Record<string, number>): object {
  const fields = Object.entries(row).map(([name, value]) => [
    name,
    expect.toSatisfy((found) => Number(found) === value),
  ])
  return Object.fromEntries(fields) as object
}
