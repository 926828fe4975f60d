import { describe, expect, it } from 'vitest'
import { failure, first, recording, resumed, threeSteps, toUndo } from '../../test/worker/steps-kit.js'
import { storeIsDown } from '../../test/worker/worker-kit.js'
import { failed, parseMemo } from '../domain/index.js'
import type { Store } from '../ports/index.js'

describe('undoing steps', () => {
  const refuse = threeSteps(() => failed('no'))

  it('follows a refusal where something recorded can be undone', async () => {
    const { execute } = recording(refuse)
    const [update] = await execute(first)
    expect(update).toMatchObject({ state: 'compensating', stage: 'compensate' })
    expect(parseMemo(update?.memo ?? null).failure).toEqual(failure)
    const nothing = recording(async (_, { step }) => {
      await step('a', () => 1)
      return failed('no')
    })
    expect(await nothing.execute(first)).toMatchObject([{ state: 'failed' }])
  })

  it('goes back in reverse, with what each step returned, and then undoes the command as a whole', async () => {
    const whole: string[] = []
    const { execute, log, recorded } = recording(refuse, { compensate: () => void whole.push('whole') })
    await execute(first)
    log.length = 0
    expect(await execute(toUndo, 'compensate')).toMatchObject([{ state: 'compensated' }])
    expect(log).toEqual(['undo charge "ch_1"', 'undo reserve {"seat":7}'])
    expect(whole).toEqual(['whole'])
    expect(await recorded()).toBeNull()
  })

  it('does nothing else in the handler that is called for it, whatever that catches', async () => {
    const { execute, log } = recording(async (entries, context) => {
      await threeSteps(() => undefined)(entries, context)
      // By now every undo is known: nothing behind the last recorded step runs.
      entries.push('behind')
      return failed('no')
    })
    await execute(first)
    log.length = 0
    await execute(toUndo, 'compensate')
    expect(log).toEqual(['undo charge "ch_1"', 'undo reserve {"seat":7}'])
  })

  it('stops the handler where its work would begin, and again whatever it catches', async () => {
    const errors: unknown[] = []
    const { execute, log } = recording(async (entries, { attempt, step }) => {
      const run = (name: string) => () => void entries.push(name)
      const again = attempt === 2
      if (again) await step('new', run('new')).catch((error) => errors.push(error))
      await step('a', run('a'), run('undo a')).catch((error) => errors.push(error))
      return again ? 'ignored' : failed('no')
    })
    await execute(first)
    expect(await execute(toUndo, 'compensate')).toMatchObject([
      { state: 'compensating', error: { code: 'undo_missing' } },
    ])
    expect(errors).toMatchObject([{ name: 'ReplayEnded' }, { name: 'ReplayEnded' }])
    expect(log).toEqual(['a'])
  })

  it('goes on where it failed, and undoes no step twice', async () => {
    let broken = true
    const { execute, log, recorded } = recording(async (entries, { step }) => {
      const undo = (name: string) => () => {
        entries.push(`undo ${name}`)
        if (name === 'b' && broken) throw new Error('cannot undo b now')
      }
      for (const name of ['a', 'b', 'c']) await step(name, () => name, undo(name))
      return failed('no')
    })
    await execute(first)
    expect(await execute(toUndo, 'compensate')).toMatchObject([
      { state: 'compensating', error: { message: 'cannot undo b now' } },
    ])
    expect(await recorded()).toMatchObject([{ name: 'a' }, { name: 'b' }])
    broken = false
    expect(await execute(toUndo, 'compensate')).toMatchObject([{ state: 'compensated' }])
    expect(log).toEqual(['undo c', 'undo b', 'undo b', 'undo a'])
  })

  it('is an error that says what to do when the handler has changed, before anything is undone', async () => {
    let changed = false
    const { execute, log, recorded } = recording(
      async (entries, { step }) => {
        await step(
          'a',
          () => 1,
          () => void entries.push('undo a'),
        )
        if (!changed)
          await step(
            'b',
            () => 2,
            () => void entries.push('undo b'),
          )
        else await step('new', () => void entries.push('new'))
        return failed('no')
      },
      { compensation: { attempts: 2, backoff: { delay: 5, jitter: 'none' } } },
    )
    await execute(first)
    changed = true
    const missing = { code: 'undo_missing', message: expect.stringContaining("step 'b'") }
    expect(await execute(toUndo, 'compensate')).toMatchObject([{ state: 'compensating', error: missing }])
    const last = toUndo.map((each) => ({ ...each, memo: JSON.stringify({ failure, compensations: 1 }) }))
    expect(await execute(last, 'compensate')).toMatchObject([{ state: 'dead', stage: 'compensate' }])
    expect(log).toEqual([])
    expect(await recorded()).toHaveLength(2)
  })

  it('fails with what the handler failed with before it came by its steps', async () => {
    let down = false
    const { execute } = recording(async (_, { step }) => {
      if (down) throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' })
      await step(
        'a',
        () => 1,
        () => undefined,
      )
      return failed('no')
    })
    await execute(first)
    down = true
    expect(await execute(toUndo, 'compensate')).toMatchObject([
      { state: 'compensating', error: { code: 'ECONNREFUSED' } },
    ])
  })

  it('has the timeout of a handler for each step', async () => {
    const { bench, execute, log } = recording(
      async (entries, { step }) => {
        const slowly = (name: string) => () =>
          bench.clock.sleep(40).then(() => void entries.push(`undo ${name}`))
        for (const name of ['a', 'b', 'c']) await step(name, () => name, slowly(name))
        return failed('no')
      },
      { timeout: 50 },
    )
    await execute(first)
    const report = execute(toUndo, 'compensate')
    await bench.clock.advance(200)
    expect(await report).toMatchObject([{ state: 'compensated' }])
    expect(log).toEqual(['undo c', 'undo b', 'undo a'])
  })

  it('is found to be due for steps of earlier executions too', async () => {
    const { execute } = recording(async (_, { attempt, step }) => {
      if (attempt === 2) return failed('no')
      await step(
        'a',
        () => 1,
        () => undefined,
      )
      throw new Error('crash')
    })
    await execute(first)
    expect(await execute(resumed)).toMatchObject([{ state: 'compensating' }])
  })

  it('concludes nothing about earlier executions while the store cannot tell', async () => {
    const shared = (real: Store['shared']): Store['shared'] => ({ ...real, read: storeIsDown })
    const { execute } = recording(() => failed('no'), {}, { shared })
    expect(await execute(resumed)).toMatchObject([
      { state: 'retrying', error: { code: 'store_unavailable' } },
    ])
  })

  it('is not given back untried for what the database lacks: the next execution would know nothing of its steps', async () => {
    const { executor, signal } = recording(async (_, { step }) => {
      await step('a', () => 1)
      throw Object.assign(new Error('no such table'), { fault: 'schema' })
    })
    const report = await executor.execute('a', first, { signal, rejectSchemaFaults: true })
    expect(report).toMatchObject([{ state: 'retrying' }])
  })
})
