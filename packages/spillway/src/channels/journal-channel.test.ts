import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { channelRig, command, QUEUE, watch } from '../../test/support/channel-rig.js'
import { type JournalChannelOptions, journal as journalSpec } from '../config/index.js'
import { decodeEnvelope } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import { Journal, listWriters, nodeFiles, nodeProcesses, WriterTail } from '../journal/index.js'
import { SILENT } from '../ports/index.js'
import { createChunkIds, systemClock, systemRandom } from '../runtime/index.js'
import type { ChannelJournal } from './channel-context.js'

const keyed = () =>
  command('click', { idempotencyKey: (click) => (click as { id: string }).id, handleBatch: async () => {} })
const click = (id: string, site = 1) => ({ id, site })

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** A journal whose disk the test commands. */
class ModelJournal implements ChannelJournal {
  readonly appended: { readonly count: number; readonly text: string }[][] = []
  refusal: unknown = null
  /** Ends the waits for room. */
  #waiting: (() => void)[] = []
  waits = 0

  async append(frames: Parameters<ChannelJournal['append']>[0]): Promise<void> {
    if (this.refusal !== null) throw this.refusal
    this.appended.push(frames.map(({ count, payload }) => ({ count, text: Buffer.from(payload).toString() })))
  }

  room(signal?: AbortSignal): Promise<void> {
    this.waits += 1
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      signal?.addEventListener('abort', () => resolve())
    })
  }

  makeRoom(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

const full = () => new SpillwayError('journal_full', 'full', { details: { retryAfterMs: 5_000 } })

function modelRig(options: JournalChannelOptions = {}) {
  const journal = new ModelJournal()
  return { journal, ...channelRig(journalSpec('./spool', options), [keyed()], { journal }) }
}

describe('journal channel', () => {
  it.each(['written', 'synced'] as const)(
    'gives receipts of the commands of one moment once their chunk is %s in the file',
    async (level) => {
      const folder = mkdtempSync(join(tmpdir(), 'spillway-journal-channel-'))
      folders.push(folder)
      const journal = await Journal.open({
        ...{ folder: join(folder, 'spool'), level, maxBytes: 2 ** 30, minFreeBytes: 0 },
        ...{ files: nodeFiles, processes: nodeProcesses, clock: systemClock, telemetry: SILENT },
        newWriterId: createChunkIds(systemClock, systemRandom),
      })
      const rig = channelRig(journalSpec(folder, { level }), [keyed()], { journal })
      const submits = [rig.submit(click('a')), rig.submit(click('b')), rig.submit(click('a'))]
      await rig.clock.advance(0)
      const [first, second, repeat] = await Promise.all(submits)
      await journal.close()
      expect(first).toMatchObject({ status: 'accepted', durability: level, queue: QUEUE })
      expect(repeat).toMatchObject({ status: 'duplicate', id: first?.id })
      const [writer] = await listWriters(nodeFiles, join(folder, 'spool'))
      const tail = await WriterTail.open({
        ...{ files: nodeFiles, processes: nodeProcesses, clock: systemClock },
        ...{ folder: writer?.folder ?? '', onDamage: () => {} },
      })
      const { frames } = await tail.next(1_000_000)
      expect(frames.map(({ count }) => count)).toEqual([2])
      expect(frames.map(({ payload }) => decodeEnvelope(payload))).toMatchObject([
        {
          id: second?.id.slice(0, 32),
          queue: QUEUE,
          type: 'click',
          body: '[{"id":"a","site":1},{"id":"b","site":1}]',
        },
      ])
      expect(rig.faulting.appendedAt).toEqual([])
    },
  )

  it('gathers while a group is being written', async () => {
    const rig = modelRig()
    const answers = [rig.submit(click('a')), rig.submit(click('b'))]
    await rig.clock.advance(0)
    answers.push(rig.submit(click('c')))
    await rig.clock.advance(0)
    expect(rig.journal.appended.map((frames) => frames.map(({ count }) => count))).toEqual([[2], [1]])
    expect((await Promise.all(answers)).map(({ id }) => id.slice(-2))).toEqual(['-0', '-1', '-0'])
  })

  it('waits for the agent to make room, and then goes on with the same chunk', async () => {
    const rig = modelRig({ blockTimeout: '5s' })
    rig.journal.refusal = full()
    const answers = watch([rig.submit(click('a'))])
    await rig.clock.advance(4_000)
    expect(answers.errors).toEqual([undefined])
    rig.journal.refusal = null
    rig.journal.makeRoom()
    await rig.clock.advance(0)
    expect(answers.values[0]).toMatchObject({ status: 'accepted' })
    expect(rig.journal.appended).toHaveLength(1)
  })

  it('refuses with journal_full when it stayed full for too long, and at once from then on', async () => {
    const rig = modelRig({ blockTimeout: '5s' })
    rig.journal.refusal = full()
    const first = rig.submit(click('a')).catch((error: SpillwayError) => error)
    await rig.clock.advance(4_999)
    const second = watch([rig.submit(click('b'))])
    await rig.clock.advance(1)
    expect(await first).toMatchObject({ code: 'journal_full', details: { retryAfterMs: 5_000 } })
    await rig.clock.advance(0)
    expect(second.errors).toEqual(['journal_full'])
    const third = watch([rig.submit(click('a'))])
    await rig.clock.advance(0)
    expect(third.errors).toEqual(['journal_full'])
    rig.journal.refusal = null
    const again = watch([rig.submit(click('a'))])
    await rig.clock.advance(0)
    expect(again.values[0]).toMatchObject({ status: 'accepted' })
    // Full again later: it waits again.
    rig.journal.refusal = full()
    const later = watch([rig.submit(click('z'))])
    await rig.clock.advance(4_999)
    expect(later.errors).toEqual([undefined])
    await rig.clock.advance(1)
    expect(later.errors).toEqual(['journal_full'])
  })

  it('refuses at once when it is full and was told not to wait', async () => {
    const rig = modelRig({ whenFull: 'abort' })
    rig.journal.refusal = full()
    const answers = watch([rig.submit(click('a'))])
    await rig.clock.advance(0)
    expect(answers.errors).toEqual(['journal_full'])
    expect(rig.journal.waits).toBe(0)
  })

  it('acknowledges nothing when the disk failed, and lets go of the key', async () => {
    const rig = modelRig()
    rig.journal.refusal = new SpillwayError('journal_failed', 'the disk failed')
    const failed = watch([rig.submit(click('a'))])
    await rig.clock.advance(0)
    expect(failed.errors).toEqual(['journal_failed'])
    rig.journal.refusal = new TypeError('a bug')
    const broken = watch([rig.submit(click('a'))])
    await rig.clock.advance(0)
    expect(broken.errors).toEqual(['journal_failed'])
    rig.journal.refusal = null
    const again = watch([rig.submit(click('a', 2))])
    await rig.clock.advance(0)
    expect(again.values[0]).toMatchObject({ status: 'accepted' })
  })

  it('takes an atomic submit as one frame, or refuses it', async () => {
    const rig = modelRig()
    const clicks = (...ids: string[]) => ids.map((id) => click(id))
    const together = watch([
      rig.intake.submitMany('click', clicks('a', 'b'), { atomic: true }),
      rig.intake.submitMany('click', clicks('c', 'd'), { atomic: true, each: (priority) => ({ priority }) }),
    ])
    await rig.clock.advance(0)
    expect(together.values[0]?.map(({ ok }) => ok)).toEqual([true, true])
    expect(together.values[1]?.map((verdict) => !verdict.ok && verdict.error.code)).toEqual([
      'unsupported',
      'unsupported',
    ])
    expect(rig.journal.appended.map((frames) => frames.map(({ count }) => count))).toEqual([[2]])
  })

  it('cannot be made without its journal', () => {
    expect(() => channelRig(journalSpec('./spool'), [keyed()])).toThrow(/was not opened/)
  })
})
