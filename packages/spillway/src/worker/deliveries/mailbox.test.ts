import { describe, expect, it } from 'vitest'
import type { ChunkDraft } from '../../domain/index.js'
import type { Delivery } from '../../ports/index.js'
import { Mailbox } from './mailbox.js'
import { Message } from './message.js'

function setUp(credit: number) {
  const ends: string[] = []
  const mailbox = new Mailbox(credit, (message) => message.type !== 'elsewhere')
  const delivery = (name: string): Delivery => ({
    ...{ id: name, contentType: null, headers: {}, body: new Uint8Array(), redelivered: false },
    ack: () => void ends.push(`ack ${name}`),
    release: () => void ends.push(`release ${name}`),
    refuse: (reason) => void ends.push(`refuse ${name}: ${reason}`),
  })
  const message = (identity: string | null, type = 'a'): Message => {
    const draft = { type, priority: 0, partition: null, parked: null, size: 1, body: '[1]' } as ChunkDraft
    return new Message({ kind: 'chunk', draft }, identity)
  }
  const take = (): readonly Message[] => {
    const messages = mailbox.waiting(({ type }) => type === 'a')
    mailbox.take(messages)
    return messages
  }
  return { mailbox, ends, delivery, message, take }
}

describe('the mailbox', () => {
  it('takes a message it has, delivered again, for the same, and ends every delivery of it', () => {
    const { mailbox, ends, delivery, message, take } = setUp(5)
    expect(mailbox.add(delivery('d1'), message('m'))).toBe('waiting')
    expect(mailbox.add(delivery('d2'), message('m'))).toBe('known')
    const [taken, ...others] = take()
    expect(others).toEqual([])
    expect(mailbox.add(delivery('d3'), message('m'))).toBe('known')
    mailbox.ack(taken as Message)
    expect(ends).toEqual(['ack d1', 'ack d2', 'ack d3'])
    expect(mailbox.size).toBe(0)
    expect(mailbox.add(delivery('d4'), message('m'))).toBe('waiting')
  })

  it('forgets what came over a lost connection: what is beyond the credit', () => {
    const { mailbox, ends, delivery, message, take } = setUp(2)
    const messages = ['m1', 'm2', 'm3'].map((_) => message(null))
    for (const [at, one] of messages.entries()) mailbox.add(delivery(`d${at}`), one)
    expect(ends).toEqual(['release d0'])
    expect(mailbox.size).toBe(2)
    expect(take()).toEqual(messages.slice(1))
  })

  it('keeps a message of which a later delivery is open, in its place', () => {
    const { mailbox, ends, delivery, message, take } = setUp(2)
    const [first, second] = [message('m1'), message('m2')]
    mailbox.add(delivery('d1'), first)
    mailbox.add(delivery('d2'), second)
    mailbox.add(delivery('d1 again'), message('m1'))
    expect(ends).toEqual(['release d1'])
    expect(take()).toEqual([first, second])
  })

  it('does not drop what is on its way into the store', () => {
    const { mailbox, delivery, message, take } = setUp(1)
    const [taken] = [message('m1')]
    mailbox.add(delivery('d1'), taken as Message)
    take()
    mailbox.add(delivery('d2'), message('m2'))
    expect(mailbox.add(delivery('d1 again'), message('m1'))).toBe('known')
  })

  it('drops what waits for the store as well', () => {
    const { mailbox, delivery, message } = setUp(1)
    mailbox.add(delivery('d1'), message(null, 'elsewhere'))
    const second = message(null, 'elsewhere')
    expect(mailbox.add(delivery('d2'), second)).toBe('forStore')
    expect([...mailbox.forStore]).toEqual([second])
  })

  it('puts back before what waits, and refuses with the reason', () => {
    const { mailbox, ends, delivery, message, take } = setUp(3)
    const [first, second] = [message('m1'), message('m2')]
    mailbox.add(delivery('d1'), first)
    const taken = take()
    mailbox.add(delivery('d2'), second)
    mailbox.putBack(taken)
    expect(take()).toEqual([first, second])
    mailbox.refuse(second, 'why')
    expect(ends).toEqual(['refuse d2: why'])
  })
})
