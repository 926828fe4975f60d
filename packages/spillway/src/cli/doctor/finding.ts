// What one check found, and what to do about it.

export interface Finding {
  readonly name: string
  readonly level: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** What to do, unless all is well. */
  readonly advice?: string
}

export function fine(name: string, detail: string): Finding {
  return { name, level: 'ok', detail }
}

export function warning(name: string, detail: string, advice: string): Finding {
  return { name, level: 'warn', detail, advice }
}

export function failure(name: string, detail: string, advice: string): Finding {
  return { name, level: 'fail', detail, advice }
}
