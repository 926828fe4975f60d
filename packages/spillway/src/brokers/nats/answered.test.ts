import { describe, expect, it } from 'vitest'
import { ATTEMPTS_MAX, answered } from './answered.js'

function setUp(errors: readonly Error[]) {
  const left = [...errors]
  const pauses: number[] = []
  let asked = 0
  const machine = {
    schedule(ms: number, run: () => void) {
      pauses.push(ms)
      run()
      return () => {}
    },
  }
  const answer = answered(machine, async () => {
    asked += 1
    const error = left.shift()
    if (error !== undefined) throw error
    return 'done'
  })
  return { answer, pauses, asked: () => asked }
}

const nobody = () => Object.assign(new Error('jetstream is not enabled'), { name: 'JetStreamNotEnabled' })

describe('a server of which nobody answers', () => {
  it('is asked again after a pause', async () => {
    const { answer, pauses } = setUp([nobody(), nobody()])
    expect(await answer).toBe('done')
    expect(pauses).toEqual([250, 250])
  })

  it('is taken at its word when that lasts', async () => {
    const { answer, asked } = setUp(Array.from({ length: ATTEMPTS_MAX }, nobody))
    await expect(answer).rejects.toThrow('jetstream is not enabled')
    expect(asked()).toBe(ATTEMPTS_MAX)
  })

  it('is not asked again about anything else', async () => {
    const { answer, asked } = setUp([new Error('no')])
    await expect(answer).rejects.toThrow('no')
    expect(asked()).toBe(1)
  })
})
