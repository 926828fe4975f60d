import { describe, expect, it } from 'vitest'
import {
  Bench,
  command,
  gate,
  type Process,
  range,
  type TamperedStore,
} from '../../test/worker/worker-kit.js'
import { SpillwayError } from '../errors/index.js'
import type { Random } from '../ports/index.js'
import { rowsOf } from '../stores/memory/index.js'
import { seededRandom } from '../testing/seeded-random.js'

const SEEDS = 40
const FAULTY = ['claim', 'extend', 'settle', 'settleWithin'] as const
const unavailable = () => new SpillwayError('store_unavailable', 'injected')

/** Every call may fail before it happens, after it happened, or take seconds. */
function injectFaults({ tamper }: Pick<TamperedStore, 'tamper'>, bench: Bench, random: Random): void {
  for (const method of FAULTY) {
    tamper[method] = async (call) => {
      const dice = random()
      if (dice < 0.1) throw unavailable()
      if (dice < 0.2) {
        await call()
        throw unavailable()
      }
      if (dice < 0.3) await bench.clock.sleep(random() * 5_000)
      return call()
    }
  }
}

function heal(processes: readonly Process[]): void {
  for (const { tamper, clock } of processes) {
    for (const method of FAULTY) delete tamper[method]
    clock.resume()
  }
}

/** Three types, each with good commands, poison, and commands that succeed only later. */
function setUp(random: Random) {
  const runs = new Map<string, number>()
  const act = (id: string, at: number): void => {
    runs.set(id, (runs.get(id) ?? 0) + 1)
    if (at % 17 === 3) throw new Error('poison')
    if (at % 11 === 5 && (runs.get(id) ?? 0) < 3)
      throw Object.assign(new Error('flaky'), { fault: 'transient' })
  }
  const common = {
    retry: { attempts: 20, backoff: { delay: 100, max: 1_000 } },
    timeout: 2_000,
    batch: { maxSize: 7 },
  }
  const definitions = [
    command({
      ...common,
      name: 'one',
      handle: async (at, { id, signal }) => {
        await bench.clock.sleep(random() * 300)
        if (random() < 0.05) return gate().promise
        if (random() < 0.02) await new Promise((resolve) => signal.addEventListener('abort', resolve))
        act(id, at)
        return { at }
      },
    }),
    command({
      ...common,
      name: 'batch',
      handleBatch: async (payloads, { commands }) => {
        await bench.clock.sleep(random() * 300)
        for (const [place, at] of payloads.entries()) act(commands[place].id, at)
      },
    }),
    command({
      ...common,
      name: 'tx',
      settlement: 'transaction',
      handleBatch: (payloads, { commands, tx }) => {
        for (const [place, at] of payloads.entries()) {
          const { id } = commands[place]
          tx.table('effects').set(`${id}/${tx.table('effects').size}/${random()}`, { id })
          act(id, at)
        }
      },
    }),
  ]
  const bench: Bench = new Bench(definitions, { concurrency: 3, leaseMs: 3_000 })
  return bench
}

async function live(bench: Bench, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 500) {
    await bench.clock.advance(500)
    await bench.promote()
  }
}

describe.each(range(SEEDS))('under store faults and pauses, seed %i', (seed) => {
  it('everything ends, transactional effects happen exactly once, attempts stay within the policy', async () => {
    const random = seededRandom(seed)
    const bench = setUp(random)
    const processes = range(2).map((at) => bench.start({ workerId: `w${at}` }))
    for (const process of processes) injectFaults(process, bench, random)
    const ids: string[] = []
    for (const type of ['one', 'batch', 'tx', 'one', 'batch', 'tx']) {
      ids.push(...(await bench.append(type, range(1 + Math.floor(random() * 20)))))
      await live(bench, 1_000)
      const victim = processes[Math.floor(random() * processes.length)]
      if (random() < 0.5) victim?.clock.pause()
      else victim?.clock.resume()
    }
    await live(bench, 10_000)
    heal(processes)
    await live(bench, 240_000)

    const views = await bench.views(ids)
    const open = views.filter((view) => view === null || !['succeeded', 'dead'].includes(view.state))
    expect(open.map((view) => [view?.id, view?.type, view?.state, view?.attempts, view?.error])).toEqual([])
    expect(views.filter((view) => view !== null && view.attempts > 20)).toEqual([])

    const effects = rowsOf(bench.real, 'effects').map(({ id }) => id)
    const landed = views
      .filter((view) => view?.type === 'tx' && view.state === 'succeeded')
      .map((view) => view?.id)
    expect([...effects].sort()).toEqual([...landed].sort())

    for (const { worker } of processes) void worker.stop()
    await bench.clock.advance(20_000)
    expect(bench.clock.pending).toBe(0)
    const { accepted, succeeded, dead } = await bench.real.reader.accounting()
    expect([accepted, succeeded + dead]).toEqual([ids.length, ids.length])
  })
})
