// What bad days cost: nothing on good ones, little when some fail, and nothing that grows when too much comes.

import { type HappyPath, happyPath } from '../bad-days/happy-path.js'
import { overload } from '../bad-days/overload.js'
import { type PoisonCost, poisonCost } from '../bad-days/poison.js'
import { type RetryCost, retryCost } from '../bad-days/retries.js'
import type { OverloadFigures } from '../overload-process.js'
import { atLeast, atMost, count, milliseconds, type Section, type Target, times } from './section.js'

const HAPPY_MIN = 0.95
const RETRIES_MAX = 1.5
const POISON_STATEMENTS_MAX = 30
const ACCEPTED_P99_MS_MAX = 250
const REFUSED_P99_MS_MAX = 100
const RSS_GROWTH_MB_MAX = 128

interface Figures {
  readonly happy: HappyPath | null
  readonly retries: RetryCost
  readonly poison: PoisonCost | null
  readonly overload: OverloadFigures
}

export const badDays: Section = async (bench) => {
  const figures: Figures = {
    happy: await happyPath(bench),
    retries: await retryCost(bench),
    poison: await poisonCost(bench),
    overload: await overload(bench),
  }
  return {
    title: 'Bad days, and what they cost on good ones',
    table: [['', 'without', 'with', 'cost'], ...rowsOf(figures)],
    targets: targetsOf(figures),
    figures,
  }
}

function rowsOf({ happy, retries, poison, overload }: Figures): string[][] {
  const load = `${count(overload.offeredPerSecond)}/s offered, ${count(overload.doablePerSecond)}/s doable`
  return [
    happy === null
      ? ['happy path, landed/s before and now', 'no history here', '', '']
      : [
          'happy path, landed/s before and now',
          ...[count(happy.beforePerSecond), count(happy.nowPerSecond), times(happy.ratio)],
        ],
    [
      `a tenth fails once (${count(retries.retries)} retries), s`,
      ...[retries.noneSeconds.toFixed(2), retries.tenthSeconds.toFixed(2), times(retries.ratio)],
    ],
    poison === null
      ? ['one poison row in 1,000, statements', 'no PostgreSQL here', '', '']
      : [
          'one poison row in 1,000, statements',
          ...[count(poison.withoutStatements), count(poison.withStatements)],
          `+${poison.extraStatements}, and +${poison.extraSavepoints} for savepoints`,
        ],
    [
      load,
      `accepted p99 ${milliseconds(overload.acceptedP99Ms)} ms`,
      `refused p99 ${milliseconds(overload.refusedP99Ms)} ms`,
      `+${count(overload.rssGrowthMb)} MB`,
    ],
  ]
}

function targetsOf({ happy, retries, poison, overload }: Figures): Target[] {
  return [
    ...(happy === null ? [] : [atLeast('happy path, landed vs before', happy.ratio, HAPPY_MIN)]),
    atMost('a tenth failing once, time vs none', retries.ratio, RETRIES_MAX),
    ...(poison === null
      ? []
      : [
          atMost(
            'one poison row in 1,000, extra statements beside savepoints',
            poison.extraStatements,
            POISON_STATEMENTS_MAX,
            'statements',
          ),
        ]),
    atMost('10x overload, p99 of accepted acks', overload.acceptedP99Ms, ACCEPTED_P99_MS_MAX, 'ms'),
    atMost('10x overload, p99 of refusals', overload.refusedP99Ms, REFUSED_P99_MS_MAX, 'ms'),
    atMost('10x overload, growth of memory', overload.rssGrowthMb, RSS_GROWTH_MB_MAX, 'MB'),
    atLeast('10x overload, accepted that were done', overload.processed / overload.accepted, 1),
  ]
}
