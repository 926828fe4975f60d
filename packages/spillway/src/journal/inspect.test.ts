import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type JournalKit, readAll, realKit, textOf } from '../../test/journal/journal-kit.js'
import {
  inspectJournal,
  listWriters,
  lockSpool,
  type SpoolLockOptions,
  salvageJournal,
  type VerifyOptions,
  verifyJournal,
} from './index.js'

let kit: JournalKit
let remove: () => Promise<void>

beforeEach(async () => {
  ;({ kit, remove } = await realKit())
})
afterEach(() => remove())

const BIG = 'x'.repeat(2_000)

function inspect(): ReturnType<typeof inspectJournal> {
  return inspectJournal(context())
}

function verify(): ReturnType<typeof verifyJournal> {
  return verifyJournal(context())
}

function context(): VerifyOptions & SpoolLockOptions {
  return { files: kit.files, processes: kit.processes.seenFrom(0), clock: kit.clock, spool: kit.spool }
}

async function salvage(): Promise<{ texts: string[]; report: Awaited<ReturnType<typeof salvageJournal>> }> {
  const texts: string[] = []
  const take = (payload: Uint8Array): void => void texts.push(Buffer.from(payload).toString().slice(0, 3))
  const report = await salvageJournal({ files: kit.files, spool: kit.spool, take })
  return { texts, report }
}

async function flip(path: string, text: string): Promise<void> {
  const bytes = await readFile(path)
  bytes[bytes.indexOf(text)]! ^= 1
  await writeFile(path, bytes)
}

describe('looking at a journal', () => {
  it('says who writes, who ships and how much waits, and changes nothing', async () => {
    const one = await kit.writer()
    await one.journal.append([{ count: 2, payload: 'one' }])
    const at = kit.clock.now()
    await kit.clock.advance(500)
    const two = await kit.writer()
    kit.processes.set(two.pid, 'dead')
    const agent = await lockSpool({ ...context(), processes: kit.processes.seenFrom(kit.processes.start()) })
    const report = await inspect()
    expect(report).toMatchObject({
      spool: kit.spool,
      agent: { pid: 3 },
      quarantined: [],
      writers: [
        {
          writerId: one.journal.state().writerId,
          state: 'alive',
          process: { pid: one.pid },
          checkpoint: null,
          bytes: 107,
          backlogBytes: 43,
          oldestAt: at,
        },
        { state: 'dead', backlogBytes: 0, oldestAt: null },
      ],
    })
    expect(await inspect()).toEqual(report)
    if (agent.status === 'locked') await agent.lock.release()
    expect((await inspect()).agent).toBeNull()
  })

  it('tells how much was left behind', async () => {
    const { journal } = await kit.writer()
    for (let i = 0; i < 5; i += 1) await journal.append([{ count: 1, payload: `${i}:${BIG}` }])
    const tail = await kit.tail()
    const { frames } = await readAll(tail)
    await tail.advance(frames[3]!.end)
    expect(await tail.backlog()).toMatchObject({ bytes: 2_082, oldestAt: kit.clock.now() })
    const [writer] = (await inspect()).writers
    expect(writer).toMatchObject({ checkpoint: frames[3]!.end, backlogBytes: 2_082 })
    expect(writer!.segments.map(({ segment }) => segment)).toEqual([4, 5])
    await tail.close()
  })

  it('fails on a folder that is not there', async () => {
    await expect(inspect()).rejects.toMatchObject({ code: 'journal_failed' })
    await expect(verify()).rejects.toMatchObject({ code: 'journal_failed' })
    await expect(salvage()).rejects.toMatchObject({ code: 'journal_failed' })
  })
})

describe('verifying and salvaging', () => {
  it('find everything in a healthy journal, also while it is written', async () => {
    const { journal } = await kit.writer()
    for (let i = 0; i < 5; i += 1) await journal.append([{ count: 3, payload: `${i}:${BIG}` }])
    const { writers } = await verify()
    expect(writers).toMatchObject([{ segments: 5, frames: 5, commands: 15, damages: [] }])
    const { texts, report } = await salvage()
    expect(texts).toEqual(['0:x', '1:x', '2:x', '3:x', '4:x'])
    expect(report).toEqual({ segments: 5, frames: 5, commands: 15, unreadableBytes: 0 })
  })

  it('say what cannot be read and get out the rest', async () => {
    const writer = await kit.writer({ segmentBytes: 100_000 })
    for (let i = 0; i < 5; i += 1) await writer.journal.append([{ count: 1, payload: `${i}:${BIG}` }])
    kit.processes.set(writer.pid, 'dead')
    const [{ folder } = { folder: '' }] = await listWriters(kit.files, kit.spool)
    const path = join(folder, '00000001.seg')
    await flip(path, '1:x')
    await truncate(path, 64 + 5 * 2_042 - 7)
    const { writers } = await verify()
    expect(writers[0]).toMatchObject({
      frames: 3,
      damages: [
        { kind: 'corrupt', segment: 1, from: 64 + 2_042, to: 64 + 2 * 2_042, commands: 1 },
        { kind: 'torn', segment: 1, from: 64 + 4 * 2_042, to: 64 + 5 * 2_042 - 7 },
      ],
    })
    expect(await salvage()).toEqual({
      texts: ['0:x', '2:x', '3:x'],
      report: { segments: 1, frames: 3, commands: 3, unreadableBytes: 2_042 + 2_035 },
    })
  })

  it('also look at what a reader has kept aside', async () => {
    const writer = await kit.writer({ segmentBytes: 100_000 })
    for (let i = 0; i < 3; i += 1) await writer.journal.append([{ count: 1, payload: `${i}:${BIG}` }])
    const [{ folder } = { folder: '' }] = await listWriters(kit.files, kit.spool)
    await flip(join(folder, '00000001.seg'), '1:x')
    const tail = await kit.tail()
    await readAll(tail)
    await tail.close()
    // The note of the damage outlives the reader that made it.
    const again = await kit.tail()
    await kit.kill(writer)
    const { frames, state } = await readAll(again)
    expect({ texts: frames.map((frame) => textOf(frame).slice(0, 1)), state }).toEqual({
      texts: ['0', '2'],
      state: 'ended',
    })
    await again.advance(frames.at(-1)!.end)
    await again.remove()
    expect(await inspect()).toMatchObject({ writers: [], quarantined: [{ bytes: 64 + 3 * 2_042 }] })
    expect((await verify()).quarantined).toBe(1)
    expect((await salvage()).texts).toEqual(['0:x', '2:x'])
  })

  it('leave errors of whoever takes the payloads to him', async () => {
    const { journal } = await kit.writer()
    await journal.append([{ count: 1, payload: 'one' }])
    const take = (): never => {
      throw new RangeError('no room')
    }
    const salvaging = salvageJournal({ files: kit.files, spool: kit.spool, take })
    await expect(salvaging).rejects.toThrow(new RangeError('no room'))
  })
})
