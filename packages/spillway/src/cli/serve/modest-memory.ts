// For a process that only passes bytes on: what it allocates is garbage a moment later, and V8 would let it grow to three times 16 MB before it
// looks, which is half of what an agent needs. Small young generations are collected more often and as cheaply, because nothing survives.

import { setFlagsFromString } from 'node:v8'

/** To be called before the work begins; what has grown by then stays. */
export function keepMemoryModest(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
