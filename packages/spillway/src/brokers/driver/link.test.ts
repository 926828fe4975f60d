import { beforeEach, describe, expect, it } from 'vitest'
import { SpillwayError } from '../../errors/index.js'
import type { TelemetryEvent } from '../../ports/index.js'
import { VirtualClock } from '../../testing/virtual-clock.js'
import { failuresOf } from './failures.js'
import { Link, type Pauses } from './link.js'

interface Line {
  readonly at: number
  readonly lose: (why: unknown) => void
}

const WORDS = { smaller: 'send less', authority: 'options: { ca }' }
const TELEMETRY_KEPT = new Set(['fault', 'lifecycle'])

let clock: VirtualClock
let told: string[]
let ended: string[]
/** When the server was dialled, by the monotonic clock. */
let dials: number[]
/** What the server says to whoever dials; null lets it in. */
let answer: () => Promise<Error | null>

beforeEach(() => {
  ;[clock, told, ended, dials] = [new VirtualClock(), [], [], []]
  answer = async () => null
})

const telemetry = {
  record(event: TelemetryEvent) {
    if (!TELEMETRY_KEPT.has(event.event)) return
    told.push(event.event === 'fault' ? `${event.where}: ${event.error}` : JSON.stringify(event))
  },
}

function linkWith(pauses: Partial<Pauses> = {}): Link<Line> {
  return new Link<Line>({
    broker: 'test',
    machine: {
      monotonic: () => clock.monotonic(),
      schedule: (ms, run) => clock.schedule(ms, run),
      random: () => 0.5,
    },
    failures: failuresOf('test', WORDS),
    pauses: { delayMsMax: 400, steadyShare: 1, stableMs: 10_000, ...pauses },
    async connect(lost) {
      const at = dials.push(clock.monotonic()) - 1
      const failure = await answer()
      if (failure !== null) throw failure
      return { at, lose: lost }
    },
    cut: ({ at }) => void ended.push(`cut ${at}`),
    leave: async ({ at }) => void ended.push(`left ${at}`),
  })
}

async function opened(pauses: Partial<Pauses> = {}): Promise<Link<Line>> {
  const link = linkWith(pauses)
  await link.open(telemetry)
  return link
}

function seen(link: Link<Line>): string[] {
  const events: string[] = []
  link.listen({ begin: ({ at }) => void events.push(`+${at}`), end: ({ at }) => void events.push(`-${at}`) })
  return events
}

const down = async (): Promise<Error> => new Error('down')

describe('a link', () => {
  it('tells who listens of every connection, and of the one there is', async () => {
    const link = await opened()
    const events = seen(link)
    link.line?.lose('cut off')
    expect([events, link.line]).toEqual([['+0', '-0'], null])
    await clock.advance(100)
    expect(events).toEqual(['+0', '-0', '+1'])
    expect(told).toEqual([
      expect.stringContaining('test: the connection was lost: cut off'),
      expect.stringContaining('broker reconnected'),
    ])
  })

  it('tries again after longer and longer, and says once that it has to', async () => {
    const link = await opened()
    await clock.advance(20_000)
    answer = down
    link.line?.lose('cut off')
    await clock.advance(1_600)
    expect(dials.map((at) => at - 20_000).slice(1)).toEqual([50, 150, 350, 750, 1_150, 1_550])
    expect([told.length, link.isAway]).toEqual([1, true])
  })

  it.each([
    [{ steadyShare: 0.5, stableMs: 10_000 }, [37.5, 112.5]],
    [{ steadyShare: 0, stableMs: 0 }, [25, 50]],
  ])(
    'with the pauses %j, of a connection that is lost again at once, dials after %j ms',
    async (pauses, at) => {
      const link = await opened(pauses)
      link.line?.lose('cut off')
      await clock.advance(at[0] ?? 0)
      link.line?.lose('cut off')
      await clock.advance(1_000)
      expect(dials.slice(1)).toEqual(at)
    },
  )

  it('gives up what it is told to, and makes another', async () => {
    const link = await opened()
    const events = seen(link)
    const first = link.lineNow()
    link.drop(first, 'something is wrong')
    expect([events, ended]).toEqual([['+0', '-0'], ['cut 0']])
    await clock.advance(100)
    link.drop(first, 'again')
    expect([events, link.line?.at]).toEqual([['+0', '-0', '+1'], 1])
  })

  it('cannot be opened while the server cannot be had, and does not go on by itself', async () => {
    answer = down
    const link = linkWith()
    await expect(link.open(telemetry)).rejects.toThrow('down')
    await clock.advance(10_000)
    expect([dials.length, clock.pending]).toEqual([1, 0])
    expect(() => link.lineNow()).toThrow(expect.objectContaining({ code: 'broker_unavailable' }))
  })

  it('says to everybody what somebody has to mend, and tells of it once, until it is mended', async () => {
    const link = await opened()
    const refused = new SpillwayError('broker_unavailable', 'not trusted', {
      cause: Object.assign(new Error(), { code: 'CERT_HAS_EXPIRED' }),
    })
    answer = async () => refused
    link.line?.lose('cut off')
    await clock.advance(1_000)
    expect(() => link.lineNow()).toThrow(refused)
    expect(told).toEqual([expect.stringContaining('cut off'), expect.stringContaining('not trusted')])
    answer = down
    await clock.advance(400)
    expect(() => link.lineNow()).toThrow('there is no connection')
  })

  it('that is started goes on until the server can be had', async () => {
    answer = down
    const link = linkWith()
    link.start(telemetry)
    link.start(telemetry)
    await clock.advance(60)
    answer = async () => null
    await clock.advance(100)
    expect([dials.length, link.line?.at, link.isAway]).toEqual([3, 2, false])
  })

  it('does not begin with a connection that was lost while it was made ready', async () => {
    const link = new Link<Line>({
      broker: 'test',
      machine: { monotonic: () => 0, schedule: () => () => {}, random: () => 0 },
      failures: failuresOf('test', WORDS),
      pauses: { delayMsMax: 100, steadyShare: 1, stableMs: 0 },
      async connect(lost) {
        lost('cut off')
        return { at: 0, lose: lost }
      },
      cut: ({ at }) => void ended.push(`cut ${at}`),
      leave: async () => {},
    })
    await expect(link.open(null)).rejects.toThrow('test: the connection was lost: cut off')
    expect([link.line, ended]).toEqual([null, ['cut 0']])
  })
})

describe('waiting for a connection', () => {
  it('ends with the next one', async () => {
    const link = await opened()
    link.line?.lose('cut off')
    const waiting = link.lineBefore(clock.monotonic() + 1_000)
    await clock.advance(50)
    expect((await waiting)?.at).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it('ends without one when the time is over', async () => {
    const link = await opened()
    answer = down
    link.line?.lose('cut off')
    const waiting = link.lineBefore(clock.monotonic() + 200)
    await clock.advance(200)
    expect(await waiting).toBe(null)
  })

  it('ends when the link is closed', async () => {
    const link = await opened()
    link.line?.lose('cut off')
    const waiting = link.lineBefore(clock.monotonic() + 1_000)
    await link.close()
    expect(await waiting).toBe(null)
    expect(clock.pending).toBe(0)
  })
})

describe('a link that is closed', () => {
  it('leaves its connection in order, and makes no other', async () => {
    const link = await opened()
    const events = seen(link)
    const line = link.lineNow()
    await link.close()
    line.lose('closed')
    await clock.advance(1_000)
    expect([events, ended, dials.length, told]).toEqual([['+0', '-0'], ['left 0'], 1, []])
    expect(() => link.lineNow()).toThrow(expect.objectContaining({ code: 'closed' }))
    await expect(link.open(telemetry)).rejects.toMatchObject({ code: 'closed' })
  })

  it('cuts the connection that was being made', async () => {
    const link = await opened()
    let letIn = (): void => {}
    answer = () => new Promise((resolve) => (letIn = () => resolve(null)))
    link.line?.lose('cut off')
    await clock.advance(50)
    const closing = link.close()
    letIn()
    await closing
    expect([link.line, ended, told.length]).toEqual([null, ['cut 1'], 1])
  })
})
