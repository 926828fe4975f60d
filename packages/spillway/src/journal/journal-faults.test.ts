import { beforeEach, describe, expect, it } from 'vitest'
import { JournalKit, readAll, textOf } from '../../test/journal/journal-kit.js'
import type { OpenFile } from '../ports/index.js'
import { CrashDisk } from '../testing/crash-files/index.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { FRAME_BYTES_MAX } from './index.js'

let disk: CrashDisk
let kit: JournalKit

beforeEach(async () => {
  const clock = new VirtualClock()
  disk = new CrashDisk({ random: () => 0.9, now: () => clock.now() })
  kit = new JournalKit('/var/spool', disk, clock)
  await disk.makeFolder('/var')
})

function frame(text: string, count = 1): { count: number; payload: string } {
  return { count, payload: text }
}

async function everything(): Promise<string[]> {
  const tail = await kit.tail()
  const { frames } = await readAll(tail)
  await tail.close()
  return frames.map(textOf)
}

describe('appends', () => {
  it('that come while a write is under way share the next one, in order', async () => {
    const { journal } = await kit.writer()
    const before = disk.changes
    await Promise.all(Array.from({ length: 200 }, (_, i) => journal.append([frame(String(i))])))
    // Two groups at most, each written in one or two pieces and synced once; rolls have their own.
    expect(disk.changes - before).toBeLessThan(40)
    expect(await everything()).toEqual(Array.from({ length: 200 }, (_, i) => String(i)))
  })

  it('are refused when a frame is too large, counts nothing or comes after the end', async () => {
    const { journal } = await kit.writer()
    await expect(
      journal.append([{ count: 1, payload: Buffer.alloc(FRAME_BYTES_MAX + 1) }]),
    ).rejects.toMatchObject({ code: 'payload_too_large' })
    await expect(journal.append([frame('x', 0)])).rejects.toMatchObject({ code: 'invalid_argument' })
    await journal.append([])
    await journal.close()
    await expect(journal.append([frame('x')])).rejects.toMatchObject({ code: 'closed' })
    await journal.close()
    expect(await everything()).toEqual([])
  })

  it('that are too many for memory are refused while the disk stands still', async () => {
    const { journal } = await kit.writer()
    disk.write = () => new Promise(() => {})
    const frames = [{ count: 1, payload: Buffer.alloc(FRAME_BYTES_MAX) }]
    for (let i = 0; i < 15; i += 1) void journal.append(frames)
    await expect(journal.append(frames)).rejects.toMatchObject({ code: 'queue_full' })
  })

  it('are taken in segments of any size down to a bound', async () => {
    await expect(kit.writer({ segmentBytes: 100 })).rejects.toMatchObject({ code: 'invalid_argument' })
    const { journal } = await kit.writer({ segmentBytes: 512 })
    await journal.append([frame('y'.repeat(3_000))])
    await journal.append([frame('z')])
    expect(await everything()).toEqual(['y'.repeat(3_000), 'z'])
  })
})

describe('a full journal', () => {
  it('refuses, says so to readiness, and goes on when the agent has removed segments', async () => {
    const { journal } = await kit.writer({ maxBytes: 3_000, segmentBytes: 1_000 })
    const big = 'x'.repeat(600)
    for (let i = 0; i < 4; i += 1) await journal.append([frame(`${i}${big}`)])
    await expect(journal.append([frame(big)])).rejects.toMatchObject({
      code: 'journal_full',
      message: expect.stringContaining('maxBytes: 3000'),
    })
    expect(journal.state().full).toBe(true)
    await expect(journal.probe()).rejects.toMatchObject({ code: 'journal_full' })
    let hasRoom = false
    const room = journal.room().then(() => {
      hasRoom = true
    })
    await kit.clock.advance(1_000)
    expect(hasRoom).toBe(false)
    const tail = await kit.tail()
    const { frames } = await readAll(tail)
    await tail.advance(frames.at(-1)!.end)
    await kit.clock.advance(1_000)
    await room
    expect(journal.state()).toMatchObject({ full: false, failing: false })
    await journal.append([frame('again')])
    expect((await readAll(tail)).frames.map(textOf)).toEqual(['again'])
  })

  it('leaves the disk as much room as it was told', async () => {
    disk.faults.capacity = 20_000
    const { journal } = await kit.writer({ minFreeBytes: 8_000 })
    await expect(journal.append([frame('x'.repeat(3_500))])).rejects.toMatchObject({
      code: 'journal_full',
      message: expect.stringContaining('minFreeBytes: 8000'),
    })
    await journal.append([frame('x'.repeat(500))])
    expect(await everything()).toEqual(['x'.repeat(500)])
  })

  it('of which the disk has no room left cuts back what it began, and goes on once there is room', async () => {
    const { journal } = await kit.writer()
    await journal.append([frame('good')])
    disk.faults.capacity = disk.usedBytes + 100
    await expect(journal.append([frame('x'.repeat(500)), frame('y')])).rejects.toMatchObject({
      code: 'journal_full',
    })
    expect(journal.state().full).toBe(true)
    const waiting = journal.room(AbortSignal.abort())
    await waiting
    disk.faults.capacity = Number.POSITIVE_INFINITY
    const room = journal.room()
    await kit.clock.advance(1_000)
    await room
    await journal.append([frame('after')])
    expect(await everything()).toEqual(['good', 'after'])
    expect(kit.damages).toEqual([])
  })

  it('lets go of who waits for room when it is closed', async () => {
    const { journal } = await kit.writer({ maxBytes: 200 })
    await expect(journal.append([frame('x'.repeat(500))])).rejects.toMatchObject({ code: 'journal_full' })
    const room = journal.room()
    await journal.close()
    await room
  })
})

describe('a failing disk', () => {
  it('costs a segment and nothing else when it fails once', async () => {
    const { journal } = await kit.writer()
    await journal.append([frame('one')])
    failSyncs(1)
    await journal.append([frame('two', 2)])
    await journal.append([frame('three')])
    expect(await everything()).toEqual(['one', 'two', 'three'])
    expect(kit.damages).toEqual([])
    expect(kit.events.filter(({ event }) => event === 'fault')).toHaveLength(1)
    expect(journal.state().failing).toBe(false)
  })

  it('stops the intake and readiness until a segment can be opened again', async () => {
    const { journal } = await kit.writer()
    await journal.append([frame('one')])
    disk.faults.syncFails = 1
    await expect(journal.append([frame('two')])).rejects.toMatchObject({
      code: 'journal_failed',
      message: expect.stringContaining('EIO'),
    })
    expect(journal.state().failing).toBe(true)
    const changes = disk.changes
    await expect(journal.append([frame('three')])).rejects.toMatchObject({ code: 'journal_failed' })
    expect(disk.changes).toBe(changes)
    await expect(journal.probe()).rejects.toMatchObject({ code: 'journal_failed' })
    disk.faults.syncFails = 0
    await kit.clock.advance(1_000)
    await journal.probe()
    expect(journal.state().failing).toBe(false)
    await journal.append([frame('four')])
    // What failed may be there or not; what was acknowledged is.
    expect((await everything()).filter((text) => text !== 'two')).toEqual(['one', 'four'])
  })

  it('is no reason not to start', async () => {
    disk.faults.syncFails = 1
    const { journal } = await kit.writer()
    expect(journal.state()).toMatchObject({ writerId: null, failing: true })
    await expect(journal.append([frame('x')])).rejects.toMatchObject({ code: 'journal_failed' })
    disk.faults.syncFails = 0
    await kit.clock.advance(1_000)
    await journal.append([frame('y')])
    expect(await everything()).toEqual(['y'])
  })

  it('is told from a folder that cannot be used', async () => {
    await (await disk.open('/var/file', 'create')).close()
    await expect(kit.writer({ folder: '/var/file/spool' })).rejects.toMatchObject({
      code: 'journal_failed',
      message: expect.stringContaining('/var/file/spool'),
    })
  })

  it('keeps a tail where it was, which goes on when it has healed', async () => {
    const { journal } = await kit.writer()
    await journal.append([frame('one'), frame('two')])
    const tail = await kit.tail()
    const { frames } = await readAll(tail)
    disk.faults.syncFails = 1
    await expect(tail.advance(frames[0]!.end)).rejects.toMatchObject({ code: 'journal_failed' })
    expect(tail.position.seq).toBe(0)
    disk.faults.syncFails = 0
    await tail.advance(frames[0]!.end)
    await expect(tail.advance({ segment: 1, offset: 64, seq: 0 })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    expect(await everything()).toEqual(['two'])
  })

  it('does not end a tail that cannot read for a while', async () => {
    const { journal } = await kit.writer()
    await journal.append([frame('one')])
    const tail = await kit.tail()
    const list = disk.list.bind(disk)
    disk.list = () => Promise.reject(Object.assign(new Error('simulated'), { code: 'EIO' }))
    await expect(tail.next(100)).rejects.toMatchObject({ code: 'journal_failed', details: { code: 'EIO' } })
    await expect(tail.backlog()).rejects.toMatchObject({ code: 'journal_failed' })
    disk.list = list
    expect((await readAll(tail)).frames.map(textOf)).toEqual(['one'])
  })

  /** The next syncs of files fail, what they were for is lost. */
  function failSyncs(times: number): void {
    const sync = disk.sync.bind(disk)
    let left = times
    disk.sync = async (node) => {
      disk.faults.syncFails = left > 0 ? 1 : 0
      left -= 1
      try {
        await sync(node)
      } finally {
        disk.faults.syncFails = 0
      }
    }
  }
})

describe('a probe', () => {
  it('writes nothing when something was written a moment ago, and nothing that a reader sees', async () => {
    const { journal } = await kit.writer()
    await journal.append([frame('one')])
    const changes = disk.changes
    await journal.probe()
    expect(disk.changes).toBe(changes)
    await kit.clock.advance(1_000)
    await Promise.all([journal.probe(), journal.probe()])
    expect(disk.changes).toBeGreaterThan(changes)
    await journal.append([frame('two')])
    expect(await everything()).toEqual(['one', 'two'])
    expect(kit.damages).toEqual([])
  })
})

describe('a checkpoint that cannot be read', () => {
  it('is reported, and everything that is still there is read again', async () => {
    const { journal } = await kit.writer({ segmentBytes: 512 })
    for (let i = 0; i < 6; i += 1) await journal.append([frame(`${i}${'x'.repeat(200)}`)])
    const tail = await kit.tail()
    const { frames } = await readAll(tail)
    await tail.advance(frames[2]!.end)
    await tail.advance(frames[3]!.end)
    await tail.close()
    const file: OpenFile = await disk.open(`${tail.folder}/checkpoint`, 'update')
    await file.write(Buffer.alloc(20, 1), 10)
    await file.write(Buffer.alloc(20, 1), 4_106)
    expect((await everything()).map((text) => text[0])).toEqual(['3', '4', '5'])
    expect(kit.damages).toMatchObject([{ kind: 'checkpoint', commands: null }])
  })
})

describe('a segment that somebody removed', () => {
  it('is reported with what is missing', async () => {
    const { journal } = await kit.writer({ segmentBytes: 512 })
    for (let i = 0; i < 6; i += 1) await journal.append([frame(`${i}${'x'.repeat(200)}`, 3)])
    const tail = await kit.tail()
    await disk.remove(`${tail.folder}/00000002.seg`)
    expect((await everything()).map((text) => text[0])).toEqual(['0', '2', '3', '4', '5'])
    expect(kit.damages).toMatchObject([{ kind: 'missing', segment: 3, commands: 3 }])
  })
})
