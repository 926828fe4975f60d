// Every broker with Spillway's chunks, and fed one message per command by the same client library, with a consumer that writes row by row
// and with one that batches. All in two processes, one that submits and one that works; and BullMQ in the same way.

import { BROKER_NAMES, type BrokerName } from '../broker-names.js'
import { CALLERS } from '../load-shapes.js'
import { type Result, takeTurns } from '../rounds.js'
import { loadSide } from '../sides/index.js'
import type { SideName } from '../sides/side-names.js'
import { type TransitFigures, transitRun } from '../transit-run.js'
import { processCpu } from './plain-figures.js'
import {
  count,
  milliseconds,
  type PeersBench,
  ratio,
  type Section,
  type Target,
  targetAtLeast,
  times,
  wanted,
} from './section.js'

const SIDES: readonly SideName[] = [
  'bullmq',
  ...BROKER_NAMES.flatMap((name): SideName[] => [name, `${name}-messages`, `${name}-rows`]),
]

const WARMUP_SECONDS = 2

type FiguresOf = (side: SideName) => TransitFigures | undefined

export const brokers: Section = async (bench) => {
  const sides = wanted(bench, SIDES)
  const contestants = await Promise.all(
    sides.map(async (side) => ({
      label: (await loadSide(side)).title,
      run: () => transitRun(bench.bed, { side, callers: CALLERS, seconds: bench.seconds }),
    })),
  )
  await warmUp(bench, sides)
  const results = await takeTurns(contestants, bench.rounds, bench.say)
  const figuresOf: FiguresOf = (side) => results[sides.indexOf(side)]?.figures ?? undefined
  const bullMq = figuresOf('bullmq')?.landedPerSecond
  return {
    title: `Chunks and single messages over the same brokers, ${CALLERS} callers, one process submits, one works`,
    table: [
      HEADER,
      ...results.map((result, at) => rowOf(result, singlesOf(sides[at] as SideName, figuresOf), bullMq)),
    ],
    targets: BROKER_NAMES.filter((name) => sides.includes(name)).flatMap((name) =>
      targetsOf(name, figuresOf, bullMq),
    ),
    figures: results,
  }
}

/** A virtual machine compiles what it has run often: Kafka's first thousands of messages cost several times what later ones do. */
async function warmUp({ bed, say }: PeersBench, sides: readonly SideName[]): Promise<void> {
  if (!sides.some((side) => side.startsWith('kafka'))) return
  say('warming up Kafka')
  const run = { side: 'kafka-messages', callers: CALLERS, seconds: WARMUP_SECONDS } as const
  // Where there is no Kafka, its own runs say so.
  await transitRun(bed, run).catch(() => {})
}

const HEADER = [
  '',
  'landed/s',
  'vs messages, rows by the hundred',
  'vs messages, row by row',
  'vs BullMQ',
  'ack p50 / p99 ms',
  'CPU µs per command',
]

/** What the broker lands with one message per command, however the rows are written. */
interface Singles {
  readonly batched: number | undefined
  readonly rowByRow: number | undefined
}

function singlesOf(side: SideName, figuresOf: FiguresOf): Singles {
  const name = BROKER_NAMES.find((broker) => broker === side)
  if (name === undefined) return { batched: undefined, rowByRow: undefined }
  return {
    batched: figuresOf(`${name}-messages`)?.landedPerSecond,
    rowByRow: figuresOf(`${name}-rows`)?.landedPerSecond,
  }
}

function targetsOf(name: BrokerName, figuresOf: FiguresOf, bullMq: number | undefined): Target[] {
  const landed = figuresOf(name)?.landedPerSecond
  const { batched, rowByRow } = singlesOf(name, figuresOf)
  return [
    targetAtLeast(
      `${name}, chunks vs one message per command, rows by the hundred`,
      ratio(landed, batched),
      5,
    ),
    targetAtLeast(`${name}, chunks vs one message per command, row by row`, ratio(landed, rowByRow), 5),
    targetAtLeast(`${name}, chunks vs BullMQ`, ratio(landed, bullMq), 5),
  ]
}

function rowOf(
  { label, figures, voids }: Result<TransitFigures>,
  { batched, rowByRow }: Singles,
  bullMq: number | undefined,
): string[] {
  if (figures === null) return [label, `void: ${voids[0] ?? ''}`, '', '', '', '', '']
  const { landedPerSecond, ackP50Ms, ackP99Ms } = figures
  const share = (to: number | undefined) => (to === undefined ? '' : times(landedPerSecond / to))
  return [
    label,
    ...[count(landedPerSecond), share(batched), share(rowByRow), share(bullMq)],
    `${milliseconds(ackP50Ms)} / ${milliseconds(ackP99Ms)}`,
    processCpu(figures),
  ]
}
