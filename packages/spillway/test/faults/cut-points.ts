// Where to cut a connection: everywhere would take minutes, so at both ends and evenly between, by another rhythm each way.

const POINTS_MAX = 14

/** Ascending byte counts from 0 to `bytes`, both included. */
export function cutPoints(bytes: number): readonly number[] {
  const edges = [0, 1, bytes - 1, bytes]
  const between = Array.from({ length: POINTS_MAX - edges.length }, (_, n) =>
    Math.round(((n + 0.5) * bytes) / (POINTS_MAX - edges.length)),
  )
  return [...new Set([...edges, ...between])].filter((point) => point >= 0).sort((a, b) => a - b)
}
