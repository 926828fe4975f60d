// Ten times the load that can be done, for a while.

import { runChild } from '../child.js'
import { mediansOf } from '../median.js'
import type { OverloadFigures, OverloadJob } from '../overload-process.js'
import type { Bench } from '../sections/section.js'

const ROUNDS = 3
const SECONDS = 10
const QUICK_SECONDS = 3

export async function overload({ quick, scratch, say }: Bench): Promise<OverloadFigures> {
  const rounds: OverloadFigures[] = []
  for (let round = 1; round <= (quick ? 1 : ROUNDS); round += 1) {
    say(`bad days: ten times the load, round ${round}`)
    const job: OverloadJob = { file: scratch.newFile(), seconds: quick ? QUICK_SECONDS : SECONDS }
    rounds.push(await runChild<OverloadFigures>('./overload-process.js', job))
    scratch.sweep()
  }
  return mediansOf(rounds)
}
