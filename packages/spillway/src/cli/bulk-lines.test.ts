import { describe, expect, it } from 'vitest'
import { COMMAND_BYTES_MAX } from '../domain/index.js'
import { type LineBatch, lineBatches } from './bulk-lines.js'

async function read(...chunks: string[]): Promise<LineBatch[]> {
  const batches: LineBatch[] = []
  async function* source() {
    for (const chunk of chunks) yield Buffer.from(chunk)
  }
  for await (const batch of lineBatches(source())) batches.push(batch)
  return batches
}

describe('lines of JSON', () => {
  it('become payloads that know their line, across chunks and without a last newline', async () => {
    const [batch, ...rest] = await read('{"a":1}\n\n{"a"', ':2}\n3')
    expect(rest).toEqual([])
    expect(batch).toMatchObject({ payloads: [{ a: 1 }, { a: 2 }, 3], lines: [1, 3, 4], faults: [] })
  })

  it('cost nobody but themselves when they are broken, and are not quoted', async () => {
    const [batch] = await read('{"secret": "s3cret\n{"a":1}\n')
    expect(batch).toMatchObject({ payloads: [{ a: 1 }], lines: [2] })
    expect(batch?.faults).toEqual([{ line: 1, message: 'This is not valid JSON.' }])
  })

  it('are dropped when they are longer than a command may be', async () => {
    const [batch] = await read('"', 'x'.repeat(COMMAND_BYTES_MAX), '"\n{"a":1}\n')
    expect(batch).toMatchObject({ payloads: [{ a: 1 }], lines: [2] })
    expect(batch?.faults).toMatchObject([{ line: 1 }])
  })

  it('come in batches bounded by number and by size', async () => {
    const many = await read('1\n'.repeat(2_500))
    expect(many.map(({ payloads }) => payloads.length)).toEqual([1_000, 1_000, 500])
    const large = `"${'x'.repeat(900_000)}"\n`
    const few = await read(large, large, large, large)
    expect(few.map(({ payloads }) => payloads.length)).toEqual([3, 1])
  })

  it('may be none', async () => {
    expect(await read('\n \n')).toEqual([])
  })
})
