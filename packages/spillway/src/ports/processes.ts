// Whether the process that wrote something is still there. A process id alone does not tell: ids are reused, start anew with the
// machine, and mean something else in another container.

/** What tells a process from every other, as far as the operating system says. */
export interface ProcessMark {
  readonly pid: number
  /** When it started, in units of the operating system; null where that is not known. */
  readonly startedTick: string | null
  /** Changes with every start of the machine. */
  readonly bootId: string | null
  /** Where `pid` is valid: containers have namespaces of their own. */
  readonly pidNamespace: string | null
}

export interface Processes {
  /** This process. */
  self(): Promise<ProcessMark>
  /** `unknown`: it cannot be seen from here, because it runs, or ran, elsewhere. */
  state(mark: ProcessMark): Promise<'alive' | 'dead' | 'unknown'>
}
