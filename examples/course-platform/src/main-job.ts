// The main job: real clicks arrive over HTTP and from callers of the library, some of them twice, and afterwards every
// one is looked for in the platform's own tables. Then the write patterns, side by side.

import type { Click } from './clicks.js'
import { replayThroughHttp } from './http-callers.js'
import { untilLanded } from './landing.js'
import { type Comparison, comparePatterns } from './pattern-runs.js'
import type { PatternName } from './patterns/index.js'
import type { Progress } from './progress.js'
import { type Replay, replay, retriesOf, withRetries } from './replay.js'
import { count, patternTable, replayTable, verdictLine } from './report.js'
import type { RunFolder } from './run-folder.js'
import type { ServedPlatform } from './served-platform.js'
import type { BrokerUrls } from './servers.js'
import { type Verification, verify } from './verify.js'

export interface MainJob {
  readonly served: ServedPlatform
  readonly clicks: readonly Click[]
  readonly callers: number
  /** The write patterns that are compared afterwards. */
  readonly patterns: readonly PatternName[]
  /** Whether all parts of a pattern are killed, or the app alone. */
  readonly kills: boolean
  readonly brokerUrls: BrokerUrls
  /** URL of the server that the databases are on; null for SQLite. */
  readonly store: string | null
  readonly folder: RunFolder
  readonly progress: Progress
  readonly say: (text: string) => void
}

export interface MainJobResult extends Verification {
  readonly submitted: number
  readonly accepted: number
  readonly duplicates: number
  readonly comparison: Comparison
}

const HTTP_CONNECTIONS = 64

export async function runMainJob(job: MainJob): Promise<MainJobResult> {
  const half = Math.ceil(job.clicks.length / 2)
  const viaHttp = await throughHttp(job, job.clicks.slice(0, half))
  const viaLibrary = await throughLibrary(job, job.clicks.slice(half), job.clicks.slice(0, half))
  await everythingLanded(job)
  const replays = [
    { label: `HTTP, ${count(HTTP_CONNECTIONS)} connections`, replay: viaHttp },
    { label: `library, ${count(job.callers)} callers`, replay: viaLibrary },
  ]
  job.say(`${replayTable(replays)}\n`)
  const verification = await verify(job.served.platform.tables, job.clicks)
  const comparison = await compare(job)
  const duplicates = viaHttp.duplicates + viaLibrary.duplicates
  job.say(verdictLine(job.clicks.length, duplicates, verification))
  return {
    submitted: viaHttp.sent + viaLibrary.sent,
    accepted: viaHttp.accepted + viaLibrary.accepted,
    duplicates,
    comparison,
    ...verification,
  }
}

/** What travels by way of a journal or a broker cannot be asked of the store. */
async function everythingLanded({ served, clicks }: MainJob): Promise<void> {
  const { pattern, platform } = served
  if (pattern.name === 'store') await platform.settled()
  else await untilLanded(platform.tables, clicks)
}

async function compare(job: MainJob): Promise<Comparison> {
  const comparison = await comparePatterns({ ...job, names: job.patterns, allParts: job.kills })
  if (job.patterns.length > 0) job.say(`${patternTable(job, comparison)}\n`)
  return comparison
}

async function throughHttp({ served, progress }: MainJob, clicks: readonly Click[]): Promise<Replay> {
  const sent = withRetries(clicks)
  let stop = () => {}
  try {
    return await replayThroughHttp(
      { url: `${served.url}/clicks`, clicks: sent, connections: HTTP_CONNECTIONS },
      (acked) => {
        stop = progress.start('replay through HTTP', sent.length, acked)
      },
    )
  } finally {
    stop()
  }
}

/** Some clicks that came over HTTP come again here, as after a failover of the client. */
async function throughLibrary(
  job: MainJob,
  clicks: readonly Click[],
  earlier: readonly Click[],
): Promise<Replay> {
  const { spillway, command, tables } = job.served.platform
  const sent = [...withRetries(clicks), ...retriesOf(earlier)]
  const stop = job.progress.start('replay, library', job.clicks.length, () => tables.countLanded())
  try {
    return await replay(
      sent,
      { callers: job.callers },
      async (click) => (await spillway.submit(command, click)).status,
    )
  } finally {
    stop()
  }
}
