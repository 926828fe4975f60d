// From the commands of one flush to the chunks that are stored: commands of one type, priority and tenant travel together, those of
// an ordered queue by partition, and scheduled ones apart because they are stored parked.

import {
  CHUNK_BYTES_MAX,
  type ChunkDraft,
  encodeBody,
  type KeyDraft,
  type ParkedDraft,
} from '../domain/index.js'
import type { PreparedCommand } from '../ports/index.js'
import type { Offer } from './offer.js'

/** The offers of one chunk, in the order of its indexes. */
export interface Group {
  readonly offers: Offer[]
  /** Of the body, brackets and commas included. */
  bytes: number
}

/** Groups in the order of their first command. */
export function groupOffers(
  offers: readonly Offer[],
  commandsMax: number,
  bytesMax = CHUNK_BYTES_MAX,
): Group[] {
  const groups: Group[] = []
  const open = new Map<string, Group>()
  let last: Group | null = null
  for (const offer of offers) {
    const { command } = offer
    let group: Group | undefined =
      last !== null && belongs(last, command) ? last : open.get(groupKey(command))
    if (group === undefined || !belongs(group, command) || !fits(group, command, commandsMax, bytesMax)) {
      group = { offers: [], bytes: 2 }
      groups.push(group)
      open.set(groupKey(command), group)
    }
    group.offers.push(offer)
    group.bytes += command.bytes + 1
    last = group
  }
  return groups
}

export function draftOf(id: string, queue: string, { offers }: Group): ChunkDraft {
  const { type, priority, partition, tenant, runAt } = (offers[0] as Offer).command
  return {
    id,
    queue,
    type,
    priority,
    partition,
    tenant,
    codec: 'json',
    body: encodeBody(offers.map(({ command }) => command.json)),
    size: offers.length,
    keys: keysOf(offers),
    parked: runAt === null ? null : offers.map(({ command }) => scheduledAt(command.runAt)),
  }
}

/** Of an ordered partition only the latest chunk may grow, or a command could overtake an earlier one of another type. */
function groupKey({ type, priority, partition, tenant, runAt }: PreparedCommand): string {
  return partition === null ? `${type} ${priority} ${runAt === null} ${tenant ?? ''}` : `${partition}`
}

function belongs(group: Group, command: PreparedCommand): boolean {
  const first = (group.offers[0] as Offer).command
  return (
    first.type === command.type &&
    first.priority === command.priority &&
    first.partition === command.partition &&
    first.tenant === command.tenant &&
    (first.runAt === null) === (command.runAt === null)
  )
}

function fits(group: Group, command: PreparedCommand, commandsMax: number, bytesMax: number): boolean {
  return group.offers.length < commandsMax && group.bytes + command.bytes + 1 <= bytesMax
}

function keysOf(offers: readonly Offer[]): readonly (KeyDraft | null)[] | null {
  return offers.some(({ command }) => command.key !== null) ? offers.map(({ command }) => command.key) : null
}

function scheduledAt(runAt: number | null): ParkedDraft {
  return { state: 'scheduled', nextAt: runAt, attempts: 0, error: null }
}
