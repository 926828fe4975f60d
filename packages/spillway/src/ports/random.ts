// The only sources of chance: jitter, the ids of chunks, and what nobody may guess.

/** A number in [0, 1). */
export type Random = () => number

/** A new chunk id: 32 hex digits, UUIDv7, larger than every one made before by the same source. */
export type NewChunkId = () => string

/** A text of 43 characters that cannot be guessed: 32 random bytes, base64url. */
export type NewSecret = () => string
