// The commands that a promoted chunk carries, as its row keeps them: JSON without what a command does not have, which is also how
// releases before stages and ordering keys wrote them.

import type { ChunkMember } from '../../domain/index.js'

type StoredMember = Pick<ChunkMember, 'id' | 'attempts' | 'acceptedAt'> & Partial<ChunkMember>

export function formatMembers(members: readonly ChunkMember[]): string {
  return JSON.stringify(members, (_, value: unknown) => value ?? undefined)
}

/** Null for a chunk as it was submitted. */
export function parseMembers(text: string | null): readonly ChunkMember[] | null {
  if (text === null) return null
  return (JSON.parse(text) as StoredMember[]).map((member) => ({
    ...{ memo: null, place: null, orderingKey: null },
    ...member,
  }))
}
