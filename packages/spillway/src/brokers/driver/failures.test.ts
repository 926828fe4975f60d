import { describe, expect, it } from 'vitest'
import { SpillwayError } from '../../errors/index.js'
import { failuresOf } from './failures.js'

const failures = failuresOf('test', { smaller: 'send less' })

describe('the failures of a driver', () => {
  it('say what the client said, shortened and without credentials', () => {
    const cause = new Error(`cannot reach test://me:s3cret@host:1/ ${'x'.repeat(1_000)}`)
    const { message } = failures.unavailable('no connection', cause)
    expect(message).toContain('test: no connection: cannot reach test://***@host:1/')
    expect(message).not.toContain('s3cret')
    expect(message.length).toBeLessThan(350)
  })

  it('say it in the words the driver chooses', () => {
    const chosen = failuresOf('test', { smaller: 'send less', textOf: () => 'in short' })
    expect(chosen.unavailable('no connection', new Error('at length')).message).toBe(
      'test: no connection: in short',
    )
  })

  it('turn what goes wrong with a question into an absence of the server, and leave our own errors', async () => {
    await expect(failures.asked(async () => 'answer')).resolves.toBe('answer')
    await expect(failures.asked(() => Promise.reject(new Error('timeout')))).rejects.toMatchObject({
      code: 'broker_unavailable',
    })
    const ours = new SpillwayError('broker_incompatible', 'test: another version')
    await expect(failures.asked(() => Promise.reject(ours))).rejects.toBe(ours)
  })
})
