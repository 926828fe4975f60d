import { describe, expect, it } from 'vitest'
import { into } from './into.js'

describe('into', () => {
  const sink = into<{ id: string; n?: number; extra?: string }>('clicks', { key: ['id'] })

  it('sorts rows by key so that two workers lock them in one order', () => {
    expect(
      sink.toBulkWrite([
        { id: 'b', n: 1 },
        { id: 'a', n: 2 },
      ]).rows,
    ).toEqual([
      ['a', 2],
      ['b', 1],
    ])
  })

  it('keeps the last row of a key when it overwrites', () => {
    expect(
      sink.toBulkWrite([
        { id: 'a', n: 1 },
        { id: 'a', n: 2 },
      ]).rows,
    ).toEqual([['a', 2]])
  })

  it('keeps the first row of a key when existing rows are left alone', () => {
    const ignoring = into<{ id: string; n: number }>('clicks', { key: ['id'], onConflict: 'ignore' })
    expect(
      ignoring.toBulkWrite([
        { id: 'a', n: 1 },
        { id: 'a', n: 2 },
      ]).rows,
    ).toEqual([['a', 1]])
  })

  it('writes a column that only a later row has', () => {
    const bulk = sink.toBulkWrite([
      { id: 'a', n: 1 },
      { id: 'b', extra: 'x' },
    ])
    expect(bulk.columns).toEqual(['id', 'n', 'extra'])
    expect(bulk.rows).toEqual([
      ['a', 1, undefined],
      ['b', undefined, 'x'],
    ])
  })

  it('tells keys of several columns apart although their texts join to the same', () => {
    const sink2 = into<{ a: string; b: string }>('t', { key: ['a', 'b'] })
    expect(
      sink2.toBulkWrite([
        { a: 'x', b: 'yz' },
        { a: 'xy', b: 'z' },
      ]).rows,
    ).toHaveLength(2)
  })

  it('tells the number 1 from the text "1"', () => {
    const mixed = into<{ id: string | number }>('t', { key: ['id'] })
    expect(mixed.toBulkWrite([{ id: 1 }, { id: '1' }]).rows).toHaveLength(2)
  })

  it('maps payloads to rows of chosen columns', () => {
    const mapped = into<{ id: string; at: number }>('t', {
      key: ['id'],
      columns: ['id', 'at_s'],
      map: (p) => ({ id: p.id, at_s: p.at / 1000, other: 1 }),
    })
    expect(mapped.toBulkWrite([{ id: 'a', at: 5000 }])).toMatchObject({
      columns: ['id', 'at_s'],
      rows: [['a', 5]],
    })
  })

  it('blames a row without a key as data, so that it is found alone', () => {
    expect(() => sink.toBulkWrite([{ id: 'a' }, { n: 1 } as never])).toThrow(/key column 'id'/)
    try {
      sink.toBulkWrite([{ n: 1 } as never])
    } catch (error) {
      expect(error).toMatchObject({ fault: 'data' })
    }
  })

  it('refuses a configuration without table or key', () => {
    expect(() => into('', { key: ['id'] })).toThrow(/name of a table/)
    expect(() => into('t', { key: [] })).toThrow(/at least one column/)
  })
})
