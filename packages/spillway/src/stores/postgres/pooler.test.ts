import type { ClientBase } from 'pg'
import { describe, expect, it } from 'vitest'
import { findPooler } from './pooler.js'

/**
 * PgBouncer as far as it matters here: of its connections of the server, whoever needs one is given the one that was given back last, for a
 * statement or a transaction. `afterwards` is what other clients do to them after each statement.
 */
class Pooler {
  readonly #idle: number[]
  readonly #forgets: boolean
  readonly #afterwards: (idle: number[]) => void

  constructor(servers: number[], { forgets = true, afterwards = (_: number[]) => {} } = {}) {
    this.#idle = servers
    this.#forgets = forgets
    this.#afterwards = afterwards
  }

  client(processID: number): ClientBase {
    let held: number | null = null
    const preparedOn = new Map<string, number>()
    const query = async (asked: string | { text: string; name?: string }) => {
      const { text, name } = typeof asked === 'string' ? { text: asked } : asked
      const server = held ?? this.#idle.pop()
      if (server === undefined) throw new Error('Query read timeout')
      const isKnown = name === undefined || (preparedOn.get(name) ?? server) === server
      if (name !== undefined && !preparedOn.has(name)) preparedOn.set(name, server)
      held = text === 'begin' || (held !== null && text !== 'rollback') ? server : null
      if (held === null) this.#idle.push(server)
      this.#afterwards(this.#idle)
      if (this.#forgets && !isKnown) throw Object.assign(new Error('no such statement'), { code: '26000' })
      return { rows: [{ pid: server }] }
    }
    return { processID, query } as unknown as ClientBase
  }
}

const found = (pooler: Pooler) => findPooler(pooler.client(-1), pooler.client(-2))

describe('a pooler in transaction mode is found', () => {
  it('with one connection of the server', async () => {
    expect(await found(new Pooler([1]))).toEqual({ pooler: 'transactions', prepares: false })
  })

  it('with several that nobody else uses, forgetting statements or not', async () => {
    expect(await found(new Pooler([1, 2, 3]))).toEqual({ pooler: 'transactions', prepares: false })
    expect(await found(new Pooler([1, 2, 3], { forgets: false }))).toEqual({
      pooler: 'transactions',
      prepares: true,
    })
  })

  it('while others use them: neither may keep getting its own back', async () => {
    for (let at = 1; at <= 12; at += 1) {
      let statements = 0
      const afterwards = (idle: number[]) => {
        statements += 1
        if (statements === at) idle.push(idle.shift() as number)
      }
      expect(await found(new Pooler([1, 2], { afterwards })), `after ${at}`).toEqual({
        pooler: 'transactions',
        prepares: false,
      })
    }
  })
})
