// A pattern at work on a site: the process that is answered to, and the agent where there is one.

import { type Child, startAgent, startChild, type Victim } from './child.js'
import type { PatternJob, PatternReply } from './pattern-process.js'
import type { Pattern } from './patterns/index.js'
import { preparePlatform } from './platform.js'
import type { Site } from './site.js'

export interface PatternRun {
  readonly pattern: Pattern
  readonly site: Site
  readonly clicks: number
  readonly callers: number
  readonly ackFile: string
}

export class PatternProcesses {
  readonly #run: PatternRun
  #app: Child<PatternReply, PatternJob>
  #agent: Victim | null

  private constructor(run: PatternRun, app: Child<PatternReply, PatternJob>, agent: Victim | null) {
    this.#run = run
    this.#app = app
    this.#agent = agent
  }

  static async start(run: PatternRun): Promise<PatternProcesses> {
    const { pattern, site } = run
    if (pattern.hasAgent) await preparePlatform(site.database)
    const agent = pattern.hasAgent ? startAgent(site) : null
    return new PatternProcesses(run, await startApp(run), agent)
  }

  ask(job: PatternJob): Promise<PatternReply> {
    return this.#app.ask(job)
  }

  get isAlive(): boolean {
    return this.#app.alive
  }

  killApp(): Promise<void> {
    return this.#app.kill()
  }

  async restartApp(): Promise<void> {
    this.#app = await startApp(this.#run)
  }

  async killAgent(): Promise<void> {
    await this.#agent?.kill()
  }

  restartAgent(): void {
    this.#agent = startAgent(this.#run.site)
  }

  async stop(): Promise<void> {
    await this.#app.stop()
    await this.#agent?.stop()
  }
}

async function startApp({ pattern, site, clicks, callers, ackFile }: PatternRun) {
  const args = [pattern.name, String(clicks), String(callers), ackFile]
  const app = startChild<PatternReply, PatternJob>('./pattern-process.js', site, args)
  await app.message()
  return app
}
