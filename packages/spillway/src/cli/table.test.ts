import { describe, expect, it } from 'vitest'
import { recordingOutput } from '../../test/cli/recording-terminal.js'
import { writeFacts, writeTable } from './table.js'

interface Row {
  readonly name: string
  readonly count: number
}
const COLUMNS = [
  { heading: 'name', cell: ({ name }: Row) => name },
  { heading: 'count', cell: ({ count }: Row) => String(count), right: true },
  { heading: 'end', cell: () => 'x' },
]

describe('a table', () => {
  it('aligns texts left and numbers right under their headings', () => {
    const output = recordingOutput()
    writeTable(output, COLUMNS, [
      { name: 'a', count: 5 },
      { name: 'longer', count: 12_345 },
    ])
    expect(output.lines).toEqual(['NAME    COUNT  END', 'a           5  x', 'longer  12345  x'])
  })

  it('escapes what a name could do to the terminal, and keeps every row on one line', () => {
    const output = recordingOutput()
    writeTable(output, COLUMNS, [{ name: 'a\u001b[2J\nb', count: 1 }])
    expect(output.lines).toHaveLength(2)
    expect(output.lines[1]).toContain('a\\u001b[2J\\nb')
  })

  it('cuts a cell that would push the others away', () => {
    const output = recordingOutput()
    writeTable(output, COLUMNS, [{ name: 'n'.repeat(1_000), count: 1 }])
    expect(output.lines[1]).toMatch(/^n{77}\.\.\. +1 {2}x$/)
  })
})

describe('facts', () => {
  it('stand under each other', () => {
    const output = recordingOutput()
    writeFacts(output, [
      ['id', '1'],
      ['state', 'dead\u0007'],
    ])
    expect(output.lines).toEqual(['id     1', 'state  dead\\u0007'])
  })
})
