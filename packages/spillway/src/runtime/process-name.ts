// What a process is called in leases and logs when nobody named it: people look for it by host and process id.

import { hostname } from 'node:os'

export interface ProcessPlace {
  readonly host: string
  readonly pid: number
}

export function processPlace(): ProcessPlace {
  return { host: hostname(), pid: process.pid }
}

export function processName(): string {
  const { host, pid } = processPlace()
  return `${host}-${pid}`
}
