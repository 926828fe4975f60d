// What becomes of values of JavaScript in tables of the application.

import { describe, expect, it } from 'vitest'
import { CLICKS, rigWith, write } from '../../../test/support/mysql-bulk.js'

describe('values', () => {
  it.each([
    ['true', true, 'int', 1],
    ['false', false, 'int', 0],
    ['undefined', undefined, 'int', null],
    ['null', null, 'int', null],
    ['a bigint', 9_007_199_254_740_993n, 'varchar(50)', '9007199254740993'],
    ['a whole number as text', 5, 'varchar(50)', '5'],
    ['a float', 1.5, 'double', 1.5],
    ['a tiny float', 5e-324, 'double', 5e-324],
    ['a float that is no decimal', 0.1, 'double', 0.1],
    ['a huge number', 1e300, 'double', 1e300],
    ['a large whole number', 1_795_305_721_175, 'bigint', 1_795_305_721_175],
    ['an object', { a: [1, "x'\\"] }, 'longtext', '{"a":[1,"x\'\\\\"]}'],
    ['an array', [1, 2], 'longtext', '[1,2]'],
    ['text beyond ASCII', 'ä😀', 'varchar(50)', 'ä😀'],
    [
      'text full of escapes',
      `\\ ' " \n \r \t \0 \x1a \b % _ ? ; --`,
      'varchar(50)',
      `\\ ' " \n \r \t \0 \x1a \b % _ ? ; --`,
    ],
    ['a date in a text', new Date(0), 'varchar(50)', '1970-01-01T00:00:00.000Z'],
    ['bytes', new Uint8Array([0, 255]), 'blob', Buffer.from([0, 255])],
    ['no bytes', new Uint8Array(), 'blob', Buffer.from([])],
  ])('%s is stored as MySQL has it', async (_, value, type, stored) => {
    const rig = await rigWith(`create table things (id int primary key, value ${type})`)
    await write(rig, { table: 'things', columns: ['id', 'value'], rows: [[1, value]] })
    expect(await rig.rows('select value from things')).toEqual([{ value: stored }])
  })

  it.each([
    ['a date', new Date(Date.UTC(2026, 0, 1, 10, 0, 0, 123))],
    ['ISO text in UTC', '2026-01-01T10:00:00.123Z'],
    ['ISO text elsewhere', '2026-01-01T12:00:00.123+02:00'],
    ['ISO text without a zone', '2026-01-01T10:00:00.123'],
    ["MySQL's own text", '2026-01-01 10:00:00.123'],
  ])('%s is a time in UTC in columns of time', async (_, value) => {
    const rig = await rigWith(
      'create table times (id int primary key, a datetime(3), b timestamp(3) null, c datetime(6), d date)',
    )
    await write(rig, {
      table: 'times',
      columns: ['id', 'a', 'b', 'c', 'd'],
      rows: [[1, value, value, value, value]],
    })
    const [row] = await rig.rows(
      'select cast(a as char) as a, unix_timestamp(b) as b, cast(c as char) as c, cast(d as char) as d from times',
    )
    expect(row).toEqual({
      a: '2026-01-01 10:00:00.123',
      b: '1767261600.123',
      c: '2026-01-01 10:00:00.123000',
      d: '2026-01-01',
    })
  })

  it.each([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['an invalid date', new Date(Number.NaN)],
    ['an object that has no JSON', { n: 1n }],
    ['not a number', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['half of a surrogate pair', 'a\ud800'],
    ['a whole number beyond 64 bits', 2n ** 70n],
  ])('%s is the fault of its row', async (_, value) => {
    const rig = await rigWith(CLICKS)
    const rows = [
      ['ok', 1],
      ['x', value],
    ]
    await expect(write(rig, { rows })).rejects.toMatchObject({ fault: 'data' })
    expect(await rig.rows('select * from clicks')).toEqual([])
  })

  it('a row that no statement can carry is at fault itself', async () => {
    const rig = await rigWith('create table texts (id int primary key, value longblob)')
    const [{ bytes } = {}] = await rig.rows('select @@max_allowed_packet as bytes')
    const value = Buffer.alloc(Number(bytes) / 2)
    await expect(
      write(rig, { table: 'texts', columns: ['id', 'value'], rows: [[1, value]] }),
    ).rejects.toMatchObject({ fault: 'data', message: expect.stringContaining('max_allowed_packet') })
    await write(rig, { table: 'texts', columns: ['id', 'value'], rows: [[1, 'small']] })
  })
})
