// The checker: every promise held against one history. Pure, so its verdict can be replayed from the history alone.

import { type Facts, factsOf } from './facts.js'
import type { History } from './history.js'
import { acknowledgedStays } from './i01-acknowledged-stays.js'
import { noPhantoms } from './i02-no-phantoms.js'
import { oneCommandPerKey } from './i03-one-command-per-key.js'
import { legalTransitions } from './i04-legal-transitions.js'
import { fencing } from './i05-fencing.js'
import { effects } from './i06-effects.js'
import { oneLiveLease } from './i07-one-live-lease.js'
import { attempts } from './i09-attempts.js'
import { neverEarly } from './i10-never-early.js'
import { cancelOrComplete } from './i16-cancel-or-complete.js'
import { guardedMaintenance } from './i17-guarded-maintenance.js'
import { everythingEnds } from './i18-everything-ends.js'
import { accountsBalance } from './i21-accounts-balance.js'
import type { Invariant, Violation } from './violation.js'

const CHECKS: Readonly<Record<Invariant, (facts: Facts) => readonly Violation[]>> = {
  I1: acknowledgedStays,
  I2: noPhantoms,
  I3: oneCommandPerKey,
  I4: legalTransitions,
  I5: fencing,
  I6: effects,
  I7: oneLiveLease,
  I9: attempts,
  I10: neverEarly,
  I16: cancelOrComplete,
  I17: guardedMaintenance,
  I18: everythingEnds,
  I21: accountsBalance,
}

/** Every violation found, the earliest first; empty when the history keeps all promises. */
export function checkHistory(history: History): readonly Violation[] {
  const facts = factsOf(history)
  return Object.values(CHECKS)
    .flatMap((check) => check(facts))
    .sort((a, b) => a.at - b.at)
}
