// Which tenant's chunk is next, so that one tenant's million commands do not stand before another one's ten: a weighted
// round robin by stride scheduling (Waldspurger and Weihl, 1995). Every tenant has a pass that advances by commands / weight when it
// is served, and who is behind is next. Stride alone lets many light tenants go before a heavy one whenever they are level;
// the eligibility of EEVDF (Stoica and Abdel-Wahab, 1995) keeps everybody within one chunk of their share: of those who
// have not had more than their share, the one whose next chunk would be due first.
//
// Passes are kept relative to the one furthest behind. A tenant that had no more than that need not be remembered, and one that comes back
// from idling starts level with the rest: time in which it wanted nothing is no credit.

/** Tenants remembered as being ahead; beyond it the one served longest ago is forgotten, and starts level again. */
export const FAIR_TENANTS_MAX = 1_000

export interface WeightedTenant {
  readonly tenant: string
  /** Above 0; of two tenants that always want more, one with twice the weight gets twice as much. */
  readonly weight: number
}

/** One scheduler's view; not shared, since each process claims for itself. */
export interface FairShare {
  /** By tenant, the one served last at the end: by how much its pass is ahead, in commands per weight; above 0. */
  readonly ahead: ReadonlyMap<string, number>
  /** Commands charged last: what the next chunk is taken to have. */
  readonly chunk: number
}

export const NO_FAIR_SHARE: FairShare = Object.freeze({ ahead: new Map<string, number>(), chunk: 1 })

/** Null only when none is ready. Of tenants that are level in everything the first one is taken. */
export function nextTenant<T extends WeightedTenant>(state: FairShare, ready: readonly T[]): T | null {
  const average = averagePass(state, ready)
  let next: T | null = null
  let nextDue = Number.POSITIVE_INFINITY
  for (const tenant of ready) {
    const pass = passOf(state, tenant)
    const due = pass + state.chunk / tenant.weight
    if (pass <= average && due < nextDue) {
      next = tenant
      nextDue = due
    }
  }
  return next
}

/** `tenant` was given so many commands, out of those that were ready. */
export function charge(
  state: FairShare,
  ready: readonly WeightedTenant[],
  tenant: WeightedTenant,
  commands: number,
): FairShare {
  const served = passOf(state, tenant) + commands / tenant.weight
  const passes = ready.map((one) => (one.tenant === tenant.tenant ? served : passOf(state, one)))
  const furthestBehind = Math.min(served, ...passes)
  const ahead = new Map<string, number>()
  for (const [name, pass] of [...state.ahead, [tenant.tenant, served] as const]) {
    ahead.delete(name)
    if (pass > furthestBehind) ahead.set(name, pass - furthestBehind)
  }
  const oldest = ahead.keys().next()
  if (ahead.size > FAIR_TENANTS_MAX && oldest.done !== true) ahead.delete(oldest.value)
  return { ahead, chunk: commands }
}

function passOf(state: FairShare, { tenant }: WeightedTenant): number {
  return state.ahead.get(tenant) ?? 0
}

/** Where everybody would be had each had exactly its share. */
function averagePass(state: FairShare, ready: readonly WeightedTenant[]): number {
  let weights = 0
  let weighted = 0
  let leastAhead = Number.POSITIVE_INFINITY
  for (const tenant of ready) {
    const pass = passOf(state, tenant)
    weights += tenant.weight
    weighted += tenant.weight * pass
    leastAhead = Math.min(leastAhead, pass)
  }
  // Rounding must not put the average before the one furthest behind: somebody is always eligible.
  return Math.max(leastAhead, weighted / weights)
}
