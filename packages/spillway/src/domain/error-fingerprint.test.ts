import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprintOf, withoutParticulars } from './error-fingerprint.js'
import { ERROR_MESSAGE_MAX, ERROR_STACK_MAX } from './limits.js'

const print = (message: string, stack?: string, code = 'E') =>
  fingerprintOf(stack === undefined ? { code, message } : { code, message, stack })

const stackOf = (message: string, ...frames: string[]) =>
  [`Error: ${message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n')

describe('the words that errors of a group share', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['connect ECONNREFUSED 127.0.0.1:5432', 'connect ECONNREFUSED #'],
    ['connect ECONNREFUSED ::1:5432', 'connect ECONNREFUSED ::#'],
    [
      'duplicate key value violates unique constraint "clicks_pkey"',
      'duplicate key value violates unique constraint <text>',
    ],
    ["Duplicate entry 'a1-b2' for key 'clicks.PRIMARY'", 'Duplicate entry <text> for key <text>'],
    ['order 3f2504e0-4f89-41d3-9a0c-0305e82c3301 not found', 'order # not found'],
    ['order abcdefab-abcd-abcd-abcd-abcdefabcdef not found', 'order # not found'],
    ['block 0xDEADBEEF is bad, digest 9f86d081884c7d659a2feaa0c55ad015', 'block # is bad, digest #'],
    ['timeout of 5000ms exceeded after 3.75 s', 'timeout of # exceeded after # s'],
    ['balance is -17.50, was +3', 'balance is #, was #'],
    ['due at 2026-10-03T12:00:00.000Z', 'due at #'],
    ["ENOENT: no such file, open '/var/data/a.json'", 'ENOENT: no such file, open <text>'],
    ['cannot read /var/data/tenant-a/a.json: denied', 'cannot read <path>: denied'],
    ['cannot read C:\\data\\a.json', 'cannot read <path>'],
    ['missing src/handlers/letter.ts', 'missing <path>'],
    ['GET https://example.org/letters?id=7 failed', 'GET <url> failed'],
    ['no mailbox for jane.doe+x@mail.example.org', 'no mailbox for <email>'],
    ["can't send, the printer doesn't answer", "can't send, the printer doesn't answer"],
    ["can't send 'a letter' it's gone", "can't send <text> it's gone"],
    ['unexpected token "{name: x ...cut off', 'unexpected token <text>'],
    ['read and/or write\n\tfailed  twice ', 'read and/or write failed twice'],
    ['table clicks_2024_10 is missing', 'table clicks_# is missing'],
  ]
  for (const [message, words] of cases) {
    it(`of: ${JSON.stringify(message)}`, () => {
      expect(withoutParticulars(message)).toBe(words)
    })
  }
})

describe('the fingerprint', () => {
  it('is 16 hexadecimal digits that never change, because stores keep them', () => {
    expect(print('order 17 not found', undefined, 'ENOORDER')).toBe('606c118f82d0def5')
  })

  it('is the same for errors that differ in particulars only', () => {
    const id = fc.oneof(
      fc.uuid(),
      fc.nat().map(String),
      fc.integer({ min: 1, max: 2 ** 40 }).map((number) => `0x${number.toString(16)}`),
      fc.string({ unit: fc.constantFrom(...'abc XYZ_-./:'), maxLength: 40 }).map((text) => `"${text}"`),
      fc
        .string({ unit: fc.constantFrom(...'abcdef'), minLength: 1, maxLength: 10 })
        .map((name) => `/srv/${name}/x.bin`),
    )
    fc.assert(
      fc.property(id, id, (one, other) => {
        const groups = ['#', '<text>', '<path>']
        const words = [one, other].map((text) => withoutParticulars(`letter ${text} was refused`))
        for (const text of words) expect(groups.map((group) => `letter ${group} was refused`)).toContain(text)
        if (words[0] === words[1]) {
          expect(print(`letter ${one} was refused`)).toBe(print(`letter ${other} was refused`))
        }
      }),
    )
  })

  it('differs by code, by words and by who called whom', () => {
    const message = 'refused'
    const prints = [
      print(message),
      print(message, undefined, 'F'),
      print('declined'),
      print(message, stackOf(message, 'issueLetter (/app/a.js:1:2)')),
      print(message, stackOf(message, 'sendLetter (/app/a.js:1:2)')),
      print(message, stackOf(message, 'issueLetter (/app/a.js:1:2)', 'sendLetter (/app/a.js:1:2)')),
      print(message, stackOf(message, 'sendLetter (/app/a.js:1:2)', 'issueLetter (/app/a.js:1:2)')),
    ]
    expect(new Set(prints).size).toBe(prints.length)
  })

  it('survives a deployment: files, lines and columns say nothing', () => {
    const message = 'refused'
    expect(print(message, stackOf(message, 'Letters.issue (file:///v1/dist/letters.js:10:20)'))).toBe(
      print(message, stackOf(message, 'Letters.issue (/v2/src/letters.ts:400:1)')),
    )
  })

  it('sees the same call in all the forms a stack has for it', () => {
    const message = 'refused'
    const plain = print(message, stackOf(message, 'issue (/a.js:1:2)', 'Letter (/a.js:3:4)'))
    expect(print(message, stackOf(message, 'async issue (/a.js:1:2)', 'new Letter (/a.js:3:4)'))).toBe(plain)
    expect(print(message, stackOf(message, 'issue [as handle] (/a.js:1:2)', 'Letter (/a.js:3:4)'))).toBe(
      plain,
    )
  })

  it("passes over nameless functions and Node's own, and looks at three functions at most", () => {
    const message = 'refused'
    const named = ['one (/a.js:1:2)', 'two (/a.js:1:2)', 'three (/a.js:1:2)']
    const noisy = [
      '/a.js:5:6',
      'Object.<anonymous> (/a.js:7:8)',
      named[0] as string,
      'process.processTicksAndRejections (node:internal/process/task_queues:95:5)',
      'async Promise.all (index 4)',
    ]
    const rest = ['Promise.all (index 0)', 'two (/a.js:1:2)', 'four (/a.js:1:2)']
    expect(print(message, stackOf(message, ...noisy, named[1] as string, 'four (/b.js:1:2)'))).toBe(
      print(message, stackOf(message, named[0] as string, ...rest)),
    )
    expect(print(message, stackOf(message, ...named, 'four (/a.js:1:2)'))).toBe(
      print(message, stackOf(message, ...named)),
    )
  })

  it('does not take a message that looks like a stack for one', () => {
    const quoting = (id: number) => `remote said:\n    at caller${id === 1 ? 'One' : 'Two'} (/x.js:1:2)\nbye`
    const frames = (id: number) =>
      fingerprintOf({ code: 'E', message: 'm', stack: `Error: m\n    at f${id} (/x.js:1:2)` })
    expect(frames(1)).not.toBe(frames(2))
    const real = (message: string) =>
      ['issue (/a.js:1:2)'].map((frame) => stackOf(message, frame))[0] as string
    const one = fingerprintOf({ code: 'E', message: quoting(1), stack: real(quoting(1)) })
    const bare = fingerprintOf({ code: 'E', message: quoting(1), stack: `Error\n    at issue (/b.js:9:9)` })
    expect(one).toBe(bare)
  })

  it('finds the frames behind the message, wherever that stands', () => {
    const frames = '\n    at one (/a.js:1:2)\n    at two (/a.js:1:2)\n    at three (/a.js:1:2)'
    const message = '    at fake (/x.js:1:2)'
    expect(print(message, `${message}${frames}`)).toBe(print(message, `Error: ${message}${frames}`))
    expect(print(message, `${message}${frames}`)).toBe(print(message, `Error: ${frames}`))
  })

  it('reads a stack no further than stacks are kept', () => {
    const padding = '\n'.repeat(ERROR_STACK_MAX)
    expect(print('m', `Error: m${padding}\n    at one (/a.js:1:2)`)).toBe(print('m'))
  })

  it('reads a long message no further than messages are kept, and in linear time', () => {
    const long = 'x'.repeat(ERROR_MESSAGE_MAX)
    expect(print(`${long} one`)).toBe(print(`${long} two`))
    for (const unit of ['a', '/', "'", '"a', '#-', 'a.', '-', '@a', 'a/b/c', ' ']) {
      expect(print(unit.repeat(100_000), `${unit.repeat(100_000)}\n    at f (/x.js:1:2)`)).toHaveLength(16)
    }
  })
})
