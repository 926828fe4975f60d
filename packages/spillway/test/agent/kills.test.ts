// Writers and the agent of one spool, killed again and again wherever they are: what a writer was told is safe is in the store afterwards,
// once, as it was written, and nothing else is (I1, I2, I14). `npm run kills -- --cycles N` goes on for longer.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { commandId } from '../../src/domain/index.js'
import { listWriters, lockHolder, nodeFiles, nodeProcesses } from '../../src/journal/index.js'
import { SILENCE_MS } from '../../src/journal/limits.js'
import { systemClock } from '../../src/runtime/index.js'
import { sqlite } from '../../src/stores/sqlite/index.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { Victim } from './processes/victim.js'

const CYCLES = Number(process.env.SPILLWAY_KILLS_CYCLES ?? 200)
const SEED = Number(process.env.SPILLWAY_KILLS_SEED ?? 1)
const CYCLE_MS_MAX = 5_000
/** A writer that was killed before it had said who it is is taken for dead by its silence. */
const TIMEOUT_MS = SILENCE_MS + 60_000
/** Lines that a process says before it is killed at most. */
const WRITER_LINES_MAX = 24
const AGENT_LINES_MAX = 4
const PAGE = 500

class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), 'spillway-kills-'))
  readonly spool = join(this.folder, 'spool')
  readonly database = join(this.folder, 'store.db')
  readonly begun = new Map<string, readonly unknown[]>()
  readonly acked = new Set<string>()
  /** What the agents said, but for what they shipped. */
  readonly troubles: string[] = []
  shipped = 0

  startWriter(): Victim {
    return new Victim('writer', [this.spool], (line) => {
      const [, what, id = '', rest] = /^(\w+) (\w*) ?(.*)$/.exec(line) ?? []
      if (what === 'begun') this.begun.set(id, JSON.parse(rest ?? ''))
      else if (what === 'acked') this.acked.add(id)
      else this.troubles.push(line)
    })
  }

  startAgent(): Victim {
    return new Victim('agent', [this.spool, this.database], (line) => {
      const shipped = /^shipped (\d+)$/.exec(line)?.[1]
      if (shipped === undefined) this.troubles.push(line)
      else this.shipped += Number(shipped)
    })
  }
}

/** One process after the other, each killed after it has said a few lines, or none: while it starts. */
class KillLoop {
  kills = 0
  victim: Victim
  readonly #random: () => number
  readonly #linesMax: number
  readonly #start: () => Victim

  constructor(random: () => number, linesMax: number, start: () => Victim) {
    this.#random = random
    this.#linesMax = linesMax
    this.#start = start
    this.victim = start()
  }

  async run(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      await this.victim.says(Math.floor(this.#random() * this.#linesMax))
      await this.victim.kill()
      this.kills += 1
      this.victim = this.#start()
    }
  }
}

describe('writers and an agent that are killed', () => {
  it(`lose and invent nothing in ${CYCLES} kills`, {
    timeout: CYCLES * CYCLE_MS_MAX + TIMEOUT_MS,
  }, async ({ annotate }) => {
    const scene = new Scene()
    onTestFinished(() => rmSync(scene.folder, { recursive: true }))
    await sqlite(scene.database).schema.migrate()
    const loops = [
      new KillLoop(seededRandom(SEED), AGENT_LINES_MAX, () => scene.startAgent()),
      new KillLoop(seededRandom(SEED + 1), WRITER_LINES_MAX, () => scene.startWriter()),
      new KillLoop(seededRandom(SEED + 2), WRITER_LINES_MAX, () => scene.startWriter()),
    ]
    onTestFinished(async () => {
      await Promise.all(loops.map(({ victim }) => victim.kill()))
    })
    const [agent, ...writers] = loops as [KillLoop, ...KillLoop[]]
    const all = { kills: 0 }
    await Promise.all(loops.map((loop) => loop.run(() => all.kills++ < CYCLES)))
    await Promise.all(writers.map(({ victim }) => victim.kill()))
    const { spool } = scene
    await vi.waitFor(async () => expect(await listWriters(nodeFiles, spool)).toEqual([]), TIMEOUT_MS)
    // It may have begun after there was nothing left to ship.
    const lock = { files: nodeFiles, processes: nodeProcesses, clock: systemClock, spool }
    const { pid } = agent.victim
    await vi.waitFor(async () => expect(await lockHolder(lock)).toMatchObject({ pid }), TIMEOUT_MS)
    expect(await agent.victim.kill('SIGTERM')).toBe(0)

    expect(scene.troubles.filter((line) => line !== 'damaged torn')).toEqual([])
    const stored = await storedOf(scene)
    expect([...scene.acked].filter((id) => !stored.has(id))).toEqual([])
    expect(scene.acked.size).toBeGreaterThan(CYCLES)
    for (const [id, payloads] of stored) expect(payloads).toEqual(scene.begun.get(id))
    const { begun, acked, shipped } = scene
    const kills = loops.map((loop) => loop.kills)
    for (const count of kills) expect(count).toBeGreaterThan(CYCLES / 10)
    await annotate(JSON.stringify({ seed: SEED, kills, begun: begun.size, acked: acked.size, shipped }))
  })
})

/** The payloads of every chunk that was begun and is stored whole; fails when anything else is stored. */
async function storedOf({ database, begun }: Scene): Promise<Map<string, readonly unknown[]>> {
  const store = sqlite(database)
  await store.open()
  onTestFinished(() => store.close())
  const ids = [...begun].flatMap(([id, payloads]) => payloads.map((_, index) => commandId(id, index)))
  const stored = new Map<string, unknown[]>()
  let commands = 0
  for (let from = 0; from < ids.length; from += PAGE) {
    for (const view of await store.reader.get(ids.slice(from, from + PAGE), { payload: true })) {
      if (view === null) continue
      const chunkId = view.id.slice(0, view.id.indexOf('-'))
      stored.set(chunkId, [...(stored.get(chunkId) ?? []), JSON.parse(view.payload ?? '')])
      commands += 1
    }
  }
  expect((await store.reader.accounting()).accepted).toBe(commands)
  return stored
}
