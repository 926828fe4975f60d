// What an acknowledgement by the local disk costs: the journal behind 256 callers, the journal alone, and a loop that only serialises, writes
// and syncs groups of the same size, in the faster of two ways; and what the same callers wait for with an INSERT each.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChild } from 'spillway-bench/child'
import type { AppendFigures, AppendJob } from '../append-process.js'
import { CALLERS } from '../load-shapes.js'
import { perCommand } from '../per-command.js'
import { plainRun } from '../plain-run.js'
import { type Result, takeTurns } from '../rounds.js'
import {
  count,
  milliseconds,
  type PeersBench,
  ratio,
  type Section,
  targetAtLeast,
  targetAtMost,
  times,
} from './section.js'

const MODULE = new URL('../append-process.js', import.meta.url).pathname

export const journal: Section = async (bench) => {
  let groupSize = CALLERS
  const append = async (way: AppendJob['way']) => {
    const figures = await appendRun(bench, way, groupSize)
    if (way === 'submit') groupSize = figures.groupSize
    return figures
  }
  // The submits come first: the others write groups of the size that came about there.
  const results = await takeTurns(
    [
      { label: `journal, submit by ${CALLERS} callers`, run: () => append('submit') },
      { label: 'journal, append of the same groups', run: () => append('journal') },
      { label: 'bare loop: serialise, write, fdatasync', run: () => append('loop') },
      { label: 'the same, blocking its thread', run: () => append('blockingLoop') },
      { label: `direct INSERT by ${CALLERS} callers`, run: () => directRun(bench) },
    ],
    bench.rounds,
    bench.say,
  )
  const [submit, alone, awaiting, blocking, direct] = results.map(({ figures }) => figures ?? undefined)
  const loop = awaiting === undefined ? undefined : Math.max(awaiting.perSecond, blocking?.perSecond ?? 0)
  return {
    title: 'Acknowledged by the local disk',
    table: tableOf(results, loop),
    targets: [
      targetAtLeast(
        'journal append of the same groups vs the faster bare loop',
        ratio(alone?.perSecond, loop),
        0.6,
      ),
      targetAtLeast('submits to the journal vs the faster bare loop', ratio(submit?.perSecond, loop), 0.6),
      targetAtMost(
        'ack p99 of submits to the journal vs direct INSERT',
        ratio(submit?.ackP99Ms, direct?.ackP99Ms),
        0.2,
      ),
    ],
    figures: results,
  }
}

async function appendRun(
  { bed, seconds }: PeersBench,
  way: AppendJob['way'],
  groupSize: number,
): Promise<AppendFigures> {
  const server = await bed.postgres()
  const folder = await mkdtemp(join(tmpdir(), 'spillway-bench-'))
  try {
    const job = { way, seconds, callers: CALLERS, groupSize, folder, database: server.url }
    return await runChild<AppendFigures>(MODULE, job satisfies AppendJob)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function directRun({ bed, seconds }: PeersBench): Promise<AppendFigures> {
  const report = await plainRun(bed, { side: 'direct', callers: CALLERS, api: 'single', seconds })
  const { acceptedPerSecond, ackP50Ms, ackP99Ms, processCpuUs } = perCommand(report)
  return { perSecond: acceptedPerSecond, ackP50Ms, ackP99Ms, groupSize: 1, cpuUs: processCpuUs }
}

function tableOf(results: readonly Result<AppendFigures>[], base: number | undefined): string[][] {
  return [
    ['', 'commands/s', 'vs the faster loop', 'ack p50 / p99 ms', 'commands per group', 'CPU µs per command'],
    ...results.map(({ label, figures, voids }) => {
      if (figures === null) return [label, `void: ${voids[0] ?? ''}`, '', '', '', '']
      const { perSecond, ackP50Ms, ackP99Ms, groupSize, cpuUs } = figures
      return [
        label,
        ...[count(perSecond), base === undefined ? '' : times(perSecond / base)],
        `${milliseconds(ackP50Ms)} / ${milliseconds(ackP99Ms)}`,
        ...[groupSize.toFixed(0), cpuUs.toFixed(1)],
      ]
    }),
  ]
}
