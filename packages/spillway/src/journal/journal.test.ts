import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type JournalKit, readAll, realKit, textOf } from '../../test/journal/journal-kit.js'
import { listWriters } from './index.js'

let kit: JournalKit
let remove: () => Promise<void>

beforeEach(async () => {
  ;({ kit, remove } = await realKit())
})
afterEach(() => remove())

function frame(text: string, count = 1): { count: number; payload: string } {
  return { count, payload: text }
}

describe('a journal and its tail on the real disk', () => {
  it('hands out what was appended, in order, and is gone once all was left behind', async () => {
    const writer = await kit.writer()
    for (let i = 0; i < 100; i += 1)
      await writer.journal.append([frame(`a${i} ${'x'.repeat(i)}`), frame(`b${i} ü`, 3)])
    const tail = await kit.tail()
    const first = await readAll(tail)
    expect(first.state).toBe('waiting')
    expect(first.frames.map(textOf)).toEqual(
      Array.from({ length: 100 }, (_, i) => [`a${i} ${'x'.repeat(i)}`, `b${i} ü`]).flat(),
    )
    expect(first.frames.at(-1)).toMatchObject({ count: 3, end: { seq: 400 }, at: kit.clock.now() })
    await writer.journal.append([frame('late')])
    await writer.journal.close()
    const rest = await readAll(tail)
    expect({ texts: rest.frames.map(textOf), state: rest.state }).toEqual({ texts: ['late'], state: 'ended' })
    await expect(tail.remove()).rejects.toMatchObject({ code: 'state_conflict' })
    await tail.advance(rest.frames[0]!.end)
    expect(await tail.backlog()).toEqual({ bytes: 0, oldestAt: null })
    await tail.remove()
    expect(await listWriters(kit.files, kit.spool)).toEqual([])
    expect(await readdir(kit.spool)).toEqual(['ballast'])
    expect(kit.damages).toEqual([])
  })

  it('resumes at the checkpoint and removes whole segments before it', async () => {
    const writer = await kit.writer()
    for (let i = 0; i < 50; i += 1) await writer.journal.append([frame(`${i} ${'x'.repeat(400)}`)])
    const tail = await kit.tail()
    const { frames } = await readAll(tail)
    await tail.advance(frames[29]!.end)
    await tail.close()
    const segments = (await readdir(tail.folder)).filter((name) => name.endsWith('.seg'))
    expect(segments.length).toBeLessThan(4)
    const again = await kit.tail()
    expect((await readAll(again)).frames.map(textOf)).toEqual(frames.slice(30).map(textOf))
    await again.close()
    await writer.journal.close()
    expect(kit.damages).toEqual([])
  })

  it('takes a writer for dead only when its process is, and then reads to its end', async () => {
    const writer = await kit.writer()
    await writer.journal.append([frame('one')])
    const tail = await kit.tail()
    await readAll(tail)
    await kit.clock.advance(3_600_000)
    expect((await tail.next(1)).state).toBe('waiting')
    await kit.kill(writer)
    expect((await readAll(tail)).state).toBe('ended')
    expect(tail.folder).toMatch(/\.retired$/)
    await tail.close()
    const retired = await kit.tail()
    const { frames, state } = await readAll(retired)
    expect({ texts: frames.map(textOf), state }).toEqual({ texts: ['one'], state: 'ended' })
  })

  it('loses nothing of a writer that was taken for dead and lives', async () => {
    const writer = await kit.writer()
    await writer.journal.append([frame('before')])
    const tail = await kit.tail()
    await kit.kill(writer)
    const end = await readAll(tail)
    await tail.advance(end.frames[0]!.end)
    await tail.remove()
    await writer.journal.append([frame('after')])
    const [folder, ...others] = await listWriters(kit.files, kit.spool)
    expect(others).toEqual([])
    expect(folder?.writerId).toBe(writer.journal.state().writerId)
    const next = await kit.tail()
    expect((await readAll(next)).frames.map(textOf)).toEqual(['after'])
    await next.close()
    await writer.journal.close()
  })

  it('says what a flipped bit has cost, goes on behind it and keeps the segment', async () => {
    const writer = await kit.writer()
    for (let i = 0; i < 5; i += 1) await writer.journal.append([frame(`frame ${i}`, 2)])
    await writer.journal.close()
    const [folder] = await listWriters(kit.files, kit.spool)
    const path = join(folder!.folder, '00000001.seg')
    const bytes = await readFile(path)
    bytes[bytes.indexOf('frame 2')]! ^= 1
    await writeFile(path, bytes)
    const tail = await kit.tail()
    const before = await readAll(tail)
    expect({ texts: before.frames.map(textOf), state: before.state }).toEqual({
      texts: ['frame 0', 'frame 1'],
      state: 'waiting',
    })
    // As long as it may be a write that is under way.
    await kit.clock.advance(1_000)
    const { frames, state } = await readAll(tail)
    expect(frames.map(textOf)).toEqual(['frame 3', 'frame 4'])
    expect(kit.damages).toEqual([
      { kind: 'corrupt', writerId: folder!.writerId, segment: 1, from: 158, to: 205, commands: 2 },
    ])
    expect(state).toBe('ended')
    await tail.advance(frames.at(-1)!.end)
    await tail.remove()
    expect(await readdir(join(kit.spool, 'quarantine'))).toEqual([`${folder!.writerId}-00000001.seg`])
  })

  it('measures what is still there without being written to', async () => {
    const { journal } = await kit.writer()
    for (let i = 0; i < 4; i += 1) await journal.append([{ count: 1, payload: 'x'.repeat(2_000) }])
    const before = (await journal.measure()).bytes
    const tail = await kit.tail()
    const { frames } = await readAll(tail)
    await tail.advance(frames[2]!.end)
    await tail.close()
    expect(journal.state().bytes).toBe(before)
    await kit.clock.advance(1_000)
    expect((await journal.measure()).bytes).toBeLessThan(before)
    await journal.close()
  })
})
