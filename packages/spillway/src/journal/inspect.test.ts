import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type JournalKit, type KitWriter, readAll, realKit, textOf } from '../../test/journal/journal-kit.js'
import type { Files, OpenFile } from '../ports/index.js'
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

  it.each([
    ['an earlier segment', 1, { segmentBytes: 6_200, close: false }, { segment: 1, commands: 1 }],
    [
      'the segment that is written, with more behind it',
      5,
      { segmentBytes: 100_000, close: false },
      { segment: 1 },
    ],
    ['a segment that a closed journal has sealed', 6, { segmentBytes: 6_200, close: true }, { segment: 3 }],
  ])('find a bad frame in %s, although its writer lives', async (_, at, { segmentBytes, close }, damage) => {
    const { journal } = await kit.writer({ segmentBytes })
    for (let i = 0; i < 7; i += 1) await journal.append([{ count: 1, payload: `${i}:${BIG}` }])
    if (close) await journal.close()
    const [{ folder } = { folder: '' }] = await listWriters(kit.files, kit.spool)
    await flip(join(folder, `0000000${damage.segment}.seg`), `${at}:x`)
    const { writers } = await verify()
    expect(writers).toMatchObject([
      { frames: 6, undecidedBytes: 0, damages: [{ kind: 'corrupt', ...damage }] },
    ])
  })

  it('leave open what a living writer may be in the middle of', async () => {
    const writer = await kit.writer()
    await writer.journal.append([{ count: 1, payload: 'one' }])
    const [{ folder } = { folder: '' }] = await listWriters(kit.files, kit.spool)
    const path = join(folder, '00000001.seg')
    await flip(path, 'one')
    expect((await verify()).writers).toMatchObject([{ undecidedBytes: 43, damages: [] }])
    kit.processes.set(writer.pid, 'dead')
    expect((await verify()).writers).toMatchObject([{ undecidedBytes: 0, damages: [{ kind: 'corrupt' }] }])
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

describe('looking at a journal that an agent empties meanwhile', () => {
  const LOOKS = {
    inspect: (files: Files) => inspectJournal({ ...context(), files }).then(({ writers }) => writers.length),
    verify: (files: Files) =>
      verifyJournal({ ...context(), files }).then(({ writers }) =>
        writers.reduce((sum, { damages }) => sum + damages.length, 0),
      ),
    salvage: (files: Files) =>
      salvageJournal({ files, spool: kit.spool, take: () => {} }).then(
        ({ unreadableBytes }) => unreadableBytes,
      ),
  }
  type Look = keyof typeof LOOKS

  async function written(): Promise<KitWriter> {
    const writer = await kit.writer()
    for (let i = 0; i < 4; i += 1) await writer.journal.append([{ count: 1, payload: `${i}:${BIG}` }])
    return writer
  }

  async function calls(look: Look): Promise<number> {
    let count = 0
    const counting = beforeEvery(kit.files, async () => {
      count += 1
    })
    await LOOKS[look](counting)
    return count
  }

  /** Lets the agent do its work before the nth operation on the disk. */
  function meanwhile(nth: number, work: () => Promise<void>): Files {
    let count = 0
    return beforeEvery(kit.files, async () => {
      count += 1
      if (count === nth) await work()
    })
  }

  it.each(['inspect', 'verify', 'salvage'] as const)(
    '%s takes what was shipped and removed at any moment for gone',
    async (look) => {
      const rehearsal = await written()
      const operations = await calls(look)
      await forget(rehearsal)
      for (let nth = 1; nth <= operations; nth += 1) {
        const writer = await written()
        const found = await LOOKS[look](meanwhile(nth, () => forget(writer)))
        if (look !== 'inspect') expect({ nth, found }).toEqual({ nth, found: 0 })
        expect(await listWriters(kit.files, kit.spool)).toEqual([])
      }
    },
  )

  it('misses nothing when the first segments are removed while the rest is read', async () => {
    await written()
    const operations = await calls('verify')
    for (let nth = 1; nth <= operations; nth += 1) {
      const { kit: other, remove: removeOther } = await realKit()
      const mine = kit
      kit = other
      await written()
      const found = await LOOKS.verify(
        meanwhile(nth, async () => {
          const tail = await other.tail()
          const { frames } = await readAll(tail)
          await tail.advance(frames[2]!.end)
          await tail.close()
        }),
      )
      expect({ nth, found }).toEqual({ nth, found: 0 })
      kit = mine
      await removeOther()
    }
  })

  it('gets out everything of a writer that is taken for dead meanwhile', async () => {
    await written()
    const operations = await calls('salvage')
    for (let nth = 1; nth <= operations; nth += 1) {
      const { kit: other, remove: removeOther } = await realKit()
      const mine = kit
      kit = other
      const writer = await written()
      const texts: string[] = []
      await salvageJournal({
        files: meanwhile(nth, async () => {
          const tail = await other.tail()
          await other.kill(writer)
          await readAll(tail)
          await tail.close()
        }),
        spool: other.spool,
        take: (payload) => void texts.push(Buffer.from(payload).toString().slice(0, 1)),
      })
      expect({ nth, texts }).toEqual({ nth, texts: ['0', '1', '2', '3'] })
      kit = mine
      await removeOther()
    }
  })
})

/** All of it was shipped: its folder is removed. */
async function forget(writer: KitWriter): Promise<void> {
  const tail = await kit.tail()
  await kit.kill(writer)
  const { frames } = await readAll(tail)
  await tail.advance(frames.at(-1)!.end)
  await tail.remove()
}

/** Any operation on the disk waits for something to happen first. */
function beforeEvery(files: Files, happens: () => Promise<void>): Files {
  const opened = async (file: OpenFile): Promise<OpenFile> => ({
    ...{ write: file.write.bind(file), truncate: file.truncate.bind(file) },
    ...{ sync: file.sync.bind(file), close: file.close.bind(file) },
    read: async (into, at) => {
      await happens()
      return file.read(into, at)
    },
  })
  return {
    ...files,
    open: async (path, mode) => {
      await happens()
      return opened(await files.open(path, mode))
    },
    list: async (folder) => {
      await happens()
      return files.list(folder)
    },
    info: async (path) => {
      await happens()
      return files.info(path)
    },
  }
}
