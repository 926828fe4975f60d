// The checker: every promise held against one history. Pure, so its verdict can be replayed from the history alone.

import { type Facts, factsOf } from './facts.js'
import type { History } from './history.js'
import { acknowledgedStays } from './i01-acknowledged-stays.js'
import { noPhantoms } from './i02-no-phantoms.js'
import { oneCommandPerKey } from './i03-one-command-per-key.js'
import { legalTransitions } from './i04-legal-transitions.js'
import { undoing } from './i04-undoing.js'
import { fencing } from './i05-fencing.js'
import { askedFirst } from './i06-asked-first.js'
import { effects } from './i06-effects.js'
import { steps } from './i06-steps.js'
import { oneLiveLease } from './i07-one-live-lease.js'
import { inOrder } from './i08-in-order.js'
import { attempts } from './i09-attempts.js'
import { stageTries } from './i09-stages.js'
import { neverEarly } from './i10-never-early.js'
import { callbacks } from './i13-callbacks.js'
import { cancelOrComplete } from './i16-cancel-or-complete.js'
import { tokens } from './i16-tokens.js'
import { guardedMaintenance } from './i17-guarded-maintenance.js'
import { everythingEnds } from './i18-everything-ends.js'
import { accountsBalance } from './i21-accounts-balance.js'
import type { Invariant, Violation } from './violation.js'

type Check = (facts: Facts) => readonly Violation[]

const CHECKS: Readonly<Record<Invariant, readonly Check[]>> = {
  I1: [acknowledgedStays],
  I2: [noPhantoms],
  I3: [oneCommandPerKey],
  I4: [legalTransitions, undoing],
  I5: [fencing],
  I6: [effects, askedFirst, steps],
  I7: [oneLiveLease],
  I8: [inOrder],
  I9: [attempts, stageTries],
  I10: [neverEarly],
  I13: [callbacks],
  I16: [cancelOrComplete, tokens],
  I17: [guardedMaintenance],
  I18: [everythingEnds],
  I21: [accountsBalance],
}

/** Every violation found, the earliest first; empty when the history keeps all promises. */
export function checkHistory(history: History): readonly Violation[] {
  const facts = factsOf(history)
  return Object.values(CHECKS)
    .flat()
    .flatMap((check) => check(facts))
    .sort((a, b) => a.at - b.at)
}
