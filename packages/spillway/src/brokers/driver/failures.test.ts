import { describe, expect, it } from 'vitest'
import { SpillwayError } from '../../errors/index.js'
import { failuresOf } from './failures.js'

const words = { smaller: 'send less', authority: 'options: { ca }' }
const failures = failuresOf('test', words)

describe('the failures of a driver', () => {
  it('say what the client said, shortened and without credentials', () => {
    const cause = new Error(`cannot reach test://me:s3cret@host:1/ ${'x'.repeat(1_000)}`)
    const { message } = failures.unavailable('no connection', cause)
    expect(message).toContain('test: no connection: cannot reach test://***@host:1/')
    expect(message).not.toContain('s3cret')
    expect(message.length).toBeLessThan(350)
  })

  it('say it in the words the driver chooses', () => {
    const chosen = failuresOf('test', { ...words, textOf: () => 'in short' })
    expect(chosen.unavailable('no connection', new Error('at length')).message).toBe(
      'test: no connection: in short',
    )
  })

  it('say what to do about a certificate, whatever the client was about', () => {
    const found = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    const cause = new Error('cannot connect', { cause: found })
    expect(failures.unavailable('no connection', cause)).toMatchObject({
      ...{ code: 'broker_unavailable', details: { reason: 'certificate' }, cause },
      message: expect.stringMatching(
        /^test: the server shows a certificate .* trusted .*: options: \{ ca \}\.$/,
      ),
    })
  })

  it.each([
    [
      'its words',
      { code: 'ERR_SSL_WRONG_VERSION_NUMBER' },
      '80EC:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../a.c:350:\n',
      /TLS: wrong version number\. Check/,
    ],
    ['its message', { code: 'EPROTO' }, 'in other words', /TLS: in other words\. Check/],
  ])('say that TLS did not come about, by %s', (_, code, text, said) => {
    const cause = new Error('cannot connect', { cause: Object.assign(new Error(text), code) })
    expect(failures.unavailable('no connection', cause)).toMatchObject({
      ...{ code: 'broker_unavailable', details: { reason: 'tls' } },
      message: expect.stringMatching(said),
    })
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
