import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { echo, type HttpKit, startHttp } from '../../test/http/http-kit.js'
import { brokerChannel, type ChannelSpec, journal } from '../config/index.js'
import { SILENT, type Telemetry } from '../ports/index.js'
import { systemClock } from '../runtime/index.js'
import { MemoryBroker, MemoryBrokerServer } from '../testing/memory-broker/index.js'
import { SCHEMAS } from './schemas.js'

let kit: HttpKit
const folders: string[] = []
afterEach(async () => {
  await kit.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** A server that only takes commands. */
async function open(channel: ChannelSpec, telemetry: Telemetry = SILENT) {
  kit = await startHttp({
    config: { commands: [echo], queues: { default: { channel } }, telemetry: [telemetry] },
    create: { roles: ['intake'] },
  })
  return kit
}

function spool(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-http-journal-'))
  folders.push(folder)
  return join(folder, 'spool')
}

describe('a queue that travels by the journal', () => {
  it('answers with where the command is safe, and that it cannot be cancelled on its way', async () => {
    const { get, post } = await open(journal(spool(), { level: 'written' }))
    const sent = await post('/v1/commands/echo', 1)
    expect(sent.status).toBe(202)
    const { id } = SCHEMAS.Receipt.parse(sent.json)
    expect(sent.json).toMatchObject({ durability: 'written' })
    expect((await get(`/v1/commands/${id}`)).json).toMatchObject({ state: 'accepted' })
    const cancelled = await post(`/v1/commands/${id}/cancel`)
    expect(cancelled.status).toBe(409)
    expect(SCHEMAS.Problem.parse(cancelled.json)).toMatchObject({
      ...{ code: 'state_conflict', retryable: true, detail: expect.stringMatching(/on its way/) },
    })
    expect(cancelled.headers.get('retry-after')).toBe('1')
  })

  it('answers 503 with when to come back while the journal is full', async () => {
    const { get, post } = await open(journal(spool(), { maxBytes: 20_000, whenFull: 'abort' }))
    const large = { text: 'x'.repeat(12_000) }
    expect((await post('/v1/commands/echo', large)).status).toBe(202)
    const full = await post('/v1/commands/echo', large)
    expect(full.status).toBe(503)
    expect(SCHEMAS.Problem.parse(full.json)).toMatchObject({ code: 'journal_full', retryable: true })
    expect(Number(full.headers.get('retry-after'))).toBeGreaterThan(0)
    const ready = await get('/readyz?verbose')
    expect(ready.status).toBe(503)
    expect(SCHEMAS.Readiness.parse(ready.json).checks).toContainEqual(
      expect.objectContaining({ name: 'journal', ok: false }),
    )
  })
})

describe('a queue that travels by a broker', () => {
  it('answers 503 while the broker is away, and shows what waits once it is there', async () => {
    const server = new MemoryBrokerServer({ clock: systemClock })
    server.kill()
    let announce = (): void => {}
    const opened = new Promise<void>((resolve) => {
      announce = resolve
    })
    const { get, post } = await open(brokerChannel(new MemoryBroker(server), {}, 'memory'), {
      record: (event) => event.event === 'lifecycle' && event.what === 'memory is open now' && announce(),
    })
    const refused = await post('/v1/commands/echo', 1)
    expect([refused.status, refused.json?.code, refused.headers.get('retry-after')]).toEqual([
      503,
      'broker_unavailable',
      '1',
    ])
    expect((await get('/readyz')).status).toBe(503)
    server.restart()
    await opened
    expect((await post('/v1/commands/echo', 1)).status).toBe(202)
    const { items } = SCHEMAS.Queues.parse((await get('/v1/queues')).json)
    expect(items).toMatchObject([
      { queue: 'default', channel: 'broker', broker: { name: 'memory', waiting: 1 } },
    ])
    expect((await get('/readyz')).status).toBe(200)
  })
})
