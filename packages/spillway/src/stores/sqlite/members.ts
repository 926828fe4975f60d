// The commands that a promoted chunk carries, as JSON beside its body. What most of them have not is left out.

import type { ChunkMember, Place } from '../../domain/index.js'

interface StoredMember extends Pick<ChunkMember, 'id' | 'attempts' | 'acceptedAt'> {
  readonly memo?: string | undefined
  readonly place?: Place | undefined
  readonly orderingKey?: string | undefined
}

export function formatMembers(members: readonly ChunkMember[]): string {
  return JSON.stringify(members.map(storedMember))
}

function storedMember({ id, attempts, acceptedAt, memo, place, orderingKey }: ChunkMember): StoredMember {
  return {
    id,
    attempts,
    acceptedAt,
    memo: memo ?? undefined,
    place: place ?? undefined,
    orderingKey: orderingKey ?? undefined,
  }
}

export function parseMembers(text: string): ChunkMember[] {
  return (JSON.parse(text) as StoredMember[]).map(
    ({ id, attempts, acceptedAt, memo, place, orderingKey }) => ({
      id,
      attempts,
      acceptedAt,
      memo: memo ?? null,
      place: place ?? null,
      orderingKey: orderingKey ?? null,
    }),
  )
}
