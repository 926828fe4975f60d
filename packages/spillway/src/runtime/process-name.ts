// What a process is called in leases and logs when nobody named it: people look for it by host and process id.

import { hostname } from 'node:os'

export function processName(): string {
  return `${hostname()}-${process.pid}`
}
