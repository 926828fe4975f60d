// The only sources of chance: jitter, and the ids of chunks.

/** A number in [0, 1). */
export type Random = () => number

/** A new chunk id: 32 hex digits, UUIDv7, larger than every one made before by the same source. */
export type NewChunkId = () => string
