// How long a batch of so many commands takes when nothing is in its way: `fixed + perCommand * commands`, fitted by least
// squares over recent batches that count exponentially less the older they are. Dividing by the number of commands instead would call
// every small batch slow, because the round trip and the commit are paid per batch: at night, when batches shrink, the
// limit would fall for no reason. Not dividing at all would call every large batch slow.

/** A batch weighs half as much after seven tenths of this many others. */
const MODEL_BATCHES = 30
const KEPT = 1 - 1 / MODEL_BATCHES
const FASTER = 0.9
/** Less variance than this, relative to the squared mean, is rounding: batches were of one size. */
const SPREAD_MIN = 1e-9

/** Weighted sums: of batches, commands, ms, and of the products of the latter two. */
export interface LatencyModel {
  readonly weight: number
  readonly commands: number
  readonly ms: number
  readonly commandsSquared: number
  readonly commandsMs: number
}

export const NO_LATENCY_MODEL: LatencyModel = Object.freeze({
  weight: 0,
  commands: 0,
  ms: 0,
  commandsSquared: 0,
  commandsMs: 0,
})

/** ms that a batch of `commands` should take; null when no batch was seen. */
export function expectedMs(model: LatencyModel, commands: number): number | null {
  const { weight } = model
  if (weight === 0) return null
  const meanCommands = model.commands / weight
  const meanMs = model.ms / weight
  const variance = model.commandsSquared / weight - meanCommands ** 2
  const covariance = model.commandsMs / weight - meanCommands * meanMs
  // Neither part is negative: between "a batch costs the same whatever its size" and "a batch costs nothing by itself".
  const steepest = meanMs / meanCommands
  const slope =
    variance > SPREAD_MIN * meanCommands ** 2
      ? Math.min(Math.max(covariance / variance, 0), steepest)
      : steepest / 2
  return meanMs + slope * (commands - meanCommands)
}

export function learnedFrom(model: LatencyModel, commands: number, durationMs: number): LatencyModel {
  return {
    weight: model.weight * KEPT + 1,
    commands: model.commands * KEPT + commands,
    ms: model.ms * KEPT + durationMs,
    commandsSquared: model.commandsSquared * KEPT + commands ** 2,
    commandsMs: model.commandsMs * KEPT + commands * durationMs,
  }
}

/** The same with every expectation a tenth lower, for when batches are far faster than what is remembered. */
export function faster(model: LatencyModel): LatencyModel {
  return { ...model, ms: model.ms * FASTER, commandsMs: model.commandsMs * FASTER }
}
