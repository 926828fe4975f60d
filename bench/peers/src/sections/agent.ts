// The journal and its agent: what lands per second by way of the local disk, with and without a broker behind it, against the bulk limit
// and against the best of the others.

import { CALLERS } from '../load-shapes.js'
import { plainRun } from '../plain-run.js'
import { type Result, takeTurns } from '../rounds.js'
import { loadSide } from '../sides/index.js'
import type { SideName } from '../sides/side-names.js'
import { type TransitFigures, transitRun } from '../transit-run.js'
import { backlogCpu, plainFigures, processCpu } from './plain-figures.js'
import {
  count,
  milliseconds,
  type PeersBench,
  ratio,
  type Section,
  targetAtLeast,
  targetAtMost,
  times,
  wanted,
} from './section.js'

const REFERENCES: readonly SideName[] = ['bulk', 'bullmq']
const JOURNALS: readonly SideName[] = ['journal', 'journal-rabbitmq', 'journal-nats']

export const agent: Section = async (bench) => {
  const sides = wanted(bench, [...REFERENCES, ...JOURNALS])
  const contestants = await Promise.all(
    sides.map(async (side) => ({ label: (await loadSide(side)).title, run: () => runOf(bench, side) })),
  )
  const results = await takeTurns(contestants, bench.rounds, bench.say)
  const figuresOf = (side: SideName) => results[sides.indexOf(side)]?.figures ?? undefined
  const bulk = figuresOf('bulk')?.landedPerSecond
  const executing = figuresOf('journal')?.backlogPerSecond
  const brokered = JOURNALS.slice(1).map((side) => [side, figuresOf(side)?.backlogPerSecond ?? 0] as const)
  const [bestSide, best] = brokered.reduce((one, other) => (other[1] > one[1] ? other : one))
  return {
    title: `Journal and agent, ${CALLERS} callers: landed from a backlog, and while submitting`,
    table: tableOf(results, bulk),
    targets: [
      targetAtLeast(
        'journal, agent that executes, from a backlog, vs the bulk limit',
        ratio(executing, bulk),
        0.7,
      ),
      targetAtLeast(
        "journal, agent that executes, from a backlog, vs BullMQ's single submits",
        ratio(executing, figuresOf('bullmq')?.landedPerSecond),
        20,
      ),
      targetAtLeast(
        `journal, agent, broker, worker (${bestSide}), from a backlog, vs the bulk limit`,
        best === 0 ? null : ratio(best, bulk),
        0.4,
      ),
      targetAtMost(
        'CPU of the agent that ships to RabbitMQ, per command',
        figuresOf('journal-rabbitmq')?.backlogAgentCpuUs ?? null,
        3,
        'µs',
      ),
    ],
    figures: results,
  }
}

async function runOf({ bed, seconds, bulkCallers }: PeersBench, side: SideName): Promise<TransitFigures> {
  if (JOURNALS.includes(side)) return transitRun(bed, { side, callers: CALLERS, seconds })
  const shape =
    side === 'bulk'
      ? ({ callers: bulkCallers, api: 'bulk' } as const)
      : ({ callers: CALLERS, api: 'single' } as const)
  return plainFigures(await plainRun(bed, { side, seconds, ...shape }))
}

const HEADER = [
  '',
  'landed/s from a backlog',
  'vs bulk limit',
  'landed/s while submitting',
  'vs bulk limit',
  'ack p50 / p99 ms',
  'CPU µs per command while submitting',
  'CPU µs per command from a backlog',
]

function tableOf(results: readonly Result<TransitFigures>[], bulk: number | undefined): string[][] {
  const share = (rate: number) => (bulk === undefined ? '' : times(rate / bulk))
  return [
    HEADER,
    ...results.map(({ label, figures, voids }) => {
      if (figures === null) return [label, `void: ${voids[0] ?? ''}`, '', '', '', '', '', '']
      const { backlogPerSecond: backlog, landedPerSecond: landed } = figures
      return [
        label,
        ...(backlog === 0 ? ['', ''] : [count(backlog), share(backlog)]),
        ...[count(landed), share(landed)],
        `${milliseconds(figures.ackP50Ms)} / ${milliseconds(figures.ackP99Ms)}`,
        processCpu(figures),
        backlogCpu(figures),
      ]
    }),
  ]
}
