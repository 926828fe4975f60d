// Who checks the checker: the contract run by a runner of its own, on the memory store and on stores broken on purpose.

import { describe, expect, it } from 'vitest'
import { memory, rowsOf } from '../../stores/memory/index.js'
import { VirtualClock } from '../virtual-clock.js'
import { BROKEN_STORES, type Break } from './broken-stores/index.js'
import { type StoreHarness, storeContract, type TestContext } from './index.js'

interface Report {
  readonly passed: string[]
  readonly failed: string[]
  readonly skipped: string[]
}

function harnessOf(breakIt: Break = () => ({})): StoreHarness {
  return {
    name: 'a store',
    async make() {
      const clock = new VirtualClock()
      const store = memory({ clock })
      return {
        store: { ...store, ...breakIt(store) },
        now: () => clock.now(),
        advance: (ms) => clock.advance(ms),
        createTable: () => {},
        readTable: async (table) => rowsOf(store, table),
        dispose: () => store.close(),
      }
    },
  }
}

/** Runs one theme of the contract, as any test runner would. */
async function run(harness: StoreHarness, theme: string): Promise<Report> {
  const tests: { name: string; body: (context: TestContext) => Promise<void> }[] = []
  let path: string[] = []
  storeContract(harness, {
    describe(name, body) {
      path.push(name)
      body()
      path = path.slice(0, -1)
    },
    it(name, body) {
      if (path.includes(theme)) tests.push({ name, body })
    },
    expect,
  })
  const report: Report = { passed: [], failed: [], skipped: [] }
  for (const { name, body } of tests) {
    let skipped = false
    try {
      await body({ skip: () => (skipped = true) })
      report[skipped ? 'skipped' : 'passed'].push(name)
    } catch {
      report.failed.push(name)
    }
  }
  return report
}

describe('the store contract', () => {
  it('passes the memory store in a runner that knows nothing but describe, it and expect', async () => {
    const { passed, failed, skipped } = await run(harnessOf(), 'claim')
    expect(failed).toEqual([])
    expect(skipped).toEqual(['gives a chunk to one worker only when workers of two processes ask'])
    expect(passed.length).toBeGreaterThan(15)
  })

  it('checks the model with sequences of its own when it was given none', async () => {
    expect(await run(harnessOf(), 'model')).toMatchObject({
      failed: [],
      skipped: [],
      passed: [expect.anything()],
    })
  })

  for (const [bug, theme, alsoModel, breakIt] of BROKEN_STORES) {
    it(`finds a store that ${bug}`, async () => {
      expect((await run(harnessOf(breakIt), theme)).failed).not.toEqual([])
    })

    if (!alsoModel) continue
    it(`finds a store that ${bug} by random sequences alone`, async () => {
      expect((await run(harnessOf(breakIt), 'model')).failed).toHaveLength(1)
    })
  }
})
