// A destination that is opened by the first frame that needs it, and again until that works: an agent starts whatever is down.

import type { Destination, ShipVerdict } from './destination.js'

export interface Opening {
  /** Connects. May be tried again after it failed. */
  readonly open: () => Promise<void>
  /** Throws when it takes nothing now. */
  readonly probe: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface OpenedDestination extends Destination {
  /** Resolves once it is open; rejects with what keeps it from that. */
  open(): Promise<void>
  /** Opens it if need be; throws when it takes nothing now. */
  probe(): Promise<void>
  /** Closes it if it was opened. */
  close(): Promise<void>
}

export function openFirst(destination: Destination, { open, probe, close }: Opening): OpenedDestination {
  let opening: Promise<void> | null = null
  const ensureOpen = (): Promise<void> => {
    opening ??= open().catch((error: unknown) => {
      opening = null
      throw error
    })
    return opening
  }
  return {
    ...destination,
    open: ensureOpen,
    async probe() {
      await ensureOpen()
      await probe()
    },
    async ship(frames): Promise<readonly ShipVerdict[]> {
      try {
        await ensureOpen()
      } catch (error) {
        return frames.map(() => ({ status: 'unknown', error }))
      }
      return destination.ship(frames)
    },
    async close() {
      if (opening === null) return
      await opening.catch(() => {})
      await close()
    },
  }
}
