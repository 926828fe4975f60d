// A chunk's id exists before any commit, so that a resend after an unknown outcome is recognised.
// It is a UUIDv7 (RFC 9562) as 32 hex digits: time-ordered, and free of '-', which separates the command's index.

const COMMAND_ID = /^([0-9a-f]{32})-(0|[1-9][0-9]{0,5})$/

export interface CommandRef {
  readonly chunkId: string
  readonly index: number
}

export function commandId(chunkId: string, index: number): string {
  return `${chunkId}-${index}`
}

/** The parts of a command id, or null when the text is not one. */
export function parseCommandId(id: string): CommandRef | null {
  const match = COMMAND_ID.exec(id)
  if (match === null) return null
  return { chunkId: match[1] as string, index: Number(match[2]) }
}

/** When the chunk's id was made, in milliseconds since the epoch: the first 48 bits of a UUIDv7. */
export function chunkIdTime(chunkId: string): number {
  return Number.parseInt(chunkId.slice(0, 12), 16)
}
