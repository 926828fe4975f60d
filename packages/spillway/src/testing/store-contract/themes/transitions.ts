// Transitions: for every state and every event, what the store does is what the domain's table says, forbidden pairs
// included (I4).

import {
  COMMAND_STATES,
  type CommandEvent,
  type CommandState,
  type CommandUpdate,
  EVENTS,
  redriveEvent,
  transition,
} from '../../../domain/index.js'
import type { Scene } from '../scene.js'
import type { Theme } from '../suite.js'
import { awaiting, blocking, doubting, dying, failing, retrying, undoing, undone } from '../updates.js'
import { KEY, type Place, RETRY_MS, WAYS, type Way } from '../ways.js'

function settling(update: CommandUpdate) {
  return (scene: Scene, { lease }: Place) => scene.settle(lease, { updates: [update] })
}

async function redrive(scene: Scene, { id }: Place) {
  return (await scene.store.control.redrive([id]))[0]
}

/** Makes the event happen, as far as the store lets it, and returns the verdict if the event has one. */
const HAPPEN: Record<CommandEvent, (scene: Scene, place: Place) => Promise<unknown>> = {
  claim: (scene) => scene.claim(),
  lose: (scene, { lease }) => scene.extend(lease, { release: true }),
  ok: (scene, { lease }) => scene.settle(lease),
  fail: settling(failing(0)),
  retry: settling(retrying(0, RETRY_MS)),
  doubt: settling(doubting(0, RETRY_MS)),
  pend: settling(awaiting(0, RETRY_MS, null)),
  block: settling(blocking(0, KEY)),
  undo: settling(undoing(0, RETRY_MS)),
  undone: settling(undone(0)),
  exhaust: settling(dying(0)),
  async unblock(scene, { holder }) {
    if (holder !== undefined) await scene.store.control.cancel([holder])
    return scene.promote({ limit: 1 })
  },
  promote: async (scene) => {
    await scene.advance(RETRY_MS + 1)
    return scene.promote()
  },
  cancel: async (scene, { id }) => (await scene.store.control.cancel([id]))[0],
  discard: async (scene, { id }) => (await scene.store.control.discard([id]))[0],
  redrive,
  redriveDoubt: redrive,
  redriveUndo: redrive,
}

/** What a holder of the lease says. Whether it may say so was decided before: a store looks at the token alone. */
const SAID: ReadonlySet<CommandEvent> = new Set([
  ...(['ok', 'fail', 'retry', 'doubt', 'pend', 'block', 'undo', 'undone', 'exhaust'] as const),
])

const CONTROLLED: ReadonlySet<CommandEvent> = new Set([
  'cancel',
  'discard',
  'redrive',
  'redriveDoubt',
  'redriveUndo',
])

/** Whether the event can be made to happen there at all, and says more than another one. */
function happens({ state, held, stage = 'execute' }: Way, event: CommandEvent): boolean {
  if (event.startsWith('redrive')) return event === redriveEvent(state, stage)
  if (!SAID.has(event)) return true
  return held === true ? transition(state, event) !== null : event === 'ok'
}

function follows({ state, held }: Way, event: CommandEvent): CommandState | null {
  return SAID.has(event) && held !== true ? null : transition(state, event)
}

/** What the port answers; undefined where it answers nothing that says so. */
function verdictOf(way: Way, event: CommandEvent): string | undefined {
  if (event === 'lose' || SAID.has(event)) return way.held === true ? 'ok' : 'stale'
  if (!CONTROLLED.has(event)) return undefined
  return follows(way, event) === null ? 'conflict' : 'ok'
}

export const transitionsTheme: Theme = {
  name: 'transitions',
  define({ test }) {
    test('are checked for every state and event', async ({ expect }) => {
      expect(new Set(WAYS.map(({ state }) => state))).toEqual(new Set(COMMAND_STATES))
      expect(EVENTS.filter((event) => !WAYS.some((way) => happens(way, event)))).toEqual([])
    })

    for (const way of WAYS) {
      for (const event of EVENTS.filter((one) => happens(way, one))) {
        const next = follows(way, event)
        const becomes = next === null ? 'changes nothing' : `makes it ${next}`
        test(`${way.way} (${way.state}): ${event} ${becomes}`, async (scene) => {
          const { expect } = scene
          const place = await way.bring(scene)
          const before = await scene.view(place.id)
          expect(before.state).toBe(way.state)
          const verdict = await HAPPEN[event](scene, place)
          const expected = verdictOf(way, event)
          if (expected !== undefined) expect(verdict).toBe(expected)
          if (next === null) expect(await scene.view(place.id)).toEqual(before)
          else expect((await scene.view(place.id)).state).toBe(next)
        })
      }
    }
  },
}
