import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type ChunkDraft, decodeEnvelope } from '../../domain/index.js'
import {
  defineCommand,
  type JournalChannelOptions,
  journal,
  type Spillway,
  type SpillwayConfig,
} from '../../index.js'
import { listWriters, nodeFiles, nodeProcesses, WriterTail } from '../../journal/index.js'
import { systemClock } from '../../runtime/index.js'
import { memory } from '../../stores/memory/index.js'
import { postgres } from '../../stores/postgres/index.js'
import { type CreateOptions, createSpillway } from '../create-spillway.js'

const Click = z.object({ id: z.string() })
const record = defineCommand({
  ...{ name: 'click', queue: 'clicks', input: Click, idempotencyKey: (click: { id: string }) => click.id },
  handle: (click) => `seen ${click.id}`,
})
const other = defineCommand({ name: 'other', queue: 'others', input: Click, handle: () => undefined })
const INTAKE = { roles: ['intake'] } as const

const folders: string[] = []
const opened: Spillway[] = []
afterEach(async () => {
  for (const spillway of opened.splice(0)) await spillway.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-journal-queues-'))
  folders.push(folder)
  return folder
}

async function open(
  spool: string,
  config: Partial<SpillwayConfig> = {},
  options: CreateOptions = INTAKE,
  channel: JournalChannelOptions = {},
): Promise<Spillway> {
  const queues = {
    clicks: { channel: journal(spool, channel) },
    others: { channel: journal(`${spool}/.`, channel) },
  }
  const spillway = await createSpillway(
    { store: memory(), commands: [record], queues, ...config },
    { logs: 'silent', ...options },
  )
  opened.push(spillway)
  return spillway
}

/** What an agent would find. */
async function chunksIn(spool: string): Promise<ChunkDraft[]> {
  const chunks: ChunkDraft[] = []
  for (const { folder } of await listWriters(nodeFiles, spool)) {
    const machine = { files: nodeFiles, processes: nodeProcesses, clock: systemClock }
    const tail = await WriterTail.open({ ...machine, folder, onDamage: () => {} })
    const { frames } = await tail.next(1_000_000)
    chunks.push(...frames.map(({ payload }) => decodeEnvelope(payload)))
    await tail.close()
  }
  return chunks
}

/** A port that nobody listens on, and that no server of another test is given meanwhile. */
const DEAD_URL = 'postgres://127.0.0.1:1/nowhere'

const checksOf = async (spillway: Spillway) => {
  const { ready, checks } = await spillway.health()
  return { ready, ...Object.fromEntries(checks.map(({ name, ok }) => [name, ok])) }
}

describe('a queue that travels by the journal', () => {
  it('is accepted with the database away, by a process that only takes commands', async () => {
    const spool = join(newFolder(), 'spool')
    const spillway = await open(spool, { store: postgres(DEAD_URL) })
    const receipt = await spillway.submit(record, { id: 'a' })
    expect(receipt).toMatchObject({ status: 'accepted', durability: 'synced', queue: 'clicks' })
    expect(await chunksIn(spool)).toMatchObject([
      {
        id: receipt.id.slice(0, 32),
        queue: 'clicks',
        type: 'click',
        body: '[{"id":"a"}]',
        keys: [{ key: 'a' }],
      },
    ])
    await expect(spillway.outcome(receipt.id)).rejects.toMatchObject({
      ...{ code: 'store_unavailable', retryable: true },
    })
    await expect(spillway.queues()).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await checksOf(spillway)).toMatchObject({ ready: true, journal: true, store: false })
  })

  it('is known to the process that took it until it has arrived, and is the store’s from then on', async () => {
    const spool = join(newFolder(), 'spool')
    const store = memory()
    const spillway = await open(spool, { store }, {})
    const { id } = await spillway.submit(record, { id: 'a' })
    expect(await spillway.outcome(id)).toMatchObject({ id, state: 'accepted' })
    const waiting = spillway.outcome(id, { wait: '20s' })
    await store.append(await chunksIn(spool))
    expect(await waiting).toMatchObject({ state: 'succeeded', result: '"seen a"' })
    expect((await spillway.queues()).find(({ queue }) => queue === 'clicks')).toMatchObject({
      ...{ channel: 'journal', broker: null },
    })
  })

  it('shares one journal with the other queues of its folder, and seals it when the process closes', async () => {
    const spool = join(newFolder(), 'spool')
    const spillway = await open(spool, { commands: [record, other] })
    await Promise.all([spillway.submit(record, { id: 'a' }), spillway.submit(other, { id: 'b' })])
    const [writer, ...others] = await listWriters(nodeFiles, spool)
    expect(others).toEqual([])
    await spillway.close()
    expect((await chunksIn(spool)).map(({ queue }) => queue).sort()).toEqual(['clicks', 'others'])
    const machine = { files: nodeFiles, processes: nodeProcesses, clock: systemClock }
    const tail = await WriterTail.open({ ...machine, folder: writer?.folder ?? '', onDamage: () => {} })
    await tail.next(1_000_000)
    expect((await tail.next(1_000_000)).state).toBe('ended')
    await tail.close()
    await expect(spillway.submit(record, { id: 'c' })).rejects.toMatchObject({ code: 'closed' })
  })

  it('shows its journal in the metrics of the process that writes it', async () => {
    const spool = newFolder()
    const spillway = await open(spool, {}, INTAKE, { maxBytes: 5e9, minFreeBytes: 0 })
    await spillway.submit(record, { id: 'a' })
    const text = await spillway.metrics.render()
    const bytes = Number(/spillway_journal_bytes\{spool="([^"]+)"\} (\d+)/.exec(text)?.[2])
    expect(bytes).toBeGreaterThan(100)
    expect(text).toContain(`spillway_journal_bytes_max{spool="${spool}"} 5000000000`)
    expect(text).toContain(`spillway_journal_refusing{spool="${spool}"} 0`)
    const worker = await open(spool, {}, { roles: ['worker'] })
    expect(await worker.metrics.render()).not.toContain('spillway_journal_bytes{')
  })

  it('makes a process unready that has no room for more, and refuses with a time to come back', async () => {
    const spool = join(newFolder(), 'spool')
    const spillway = await open(spool, {}, INTAKE, { maxBytes: 20_000, whenFull: 'abort' })
    const refusals: unknown[] = []
    for (let index = 0; index < 40 && refusals.length === 0; index += 1)
      await spillway
        .submit(record, { id: 'x'.repeat(1_000) + index }, { key: `${index}` })
        .catch((error: unknown) => refusals.push(error))
    expect(refusals).toMatchObject([{ code: 'journal_full', retryable: true }])
    expect(await checksOf(spillway)).toMatchObject({ ready: false, journal: false, store: true })
  })

  it('does not start where the folder cannot be used, and says so', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'spool'), 'in the way')
    await expect(open(join(folder, 'spool'))).rejects.toMatchObject({ code: 'journal_failed' })
  })

  it.each([
    ['a worker', { roles: ['worker', 'maintenance'] } as const],
    ['a tool that only looks', { roles: ['intake'], register: false } as const],
  ])('leaves nothing on the disk of %s', async (_, options) => {
    const spool = join(newFolder(), 'spool')
    const spillway = await open(spool, {}, options)
    await spillway.queues()
    await spillway.close()
    expect(() => readdirSync(spool)).toThrow('ENOENT')
  })

  it('is opened by a tool that has something to submit', async () => {
    const spool = join(newFolder(), 'spool')
    const tool = await open(spool, {}, { roles: ['intake'], register: false })
    await Promise.all([tool.submit(record, { id: 'a' }), tool.submit(record, { id: 'b' })])
    await tool.close()
    expect(await chunksIn(spool)).toHaveLength(1)
  })
})
