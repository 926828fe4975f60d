// Processes of the application that are killed or paused, and come back by themselves later on: meanwhile they are spared.

import type { Random } from '../../../src/ports/index.js'
import { systemClock } from '../../../src/runtime/index.js'
import type { Application, Post } from './application.js'
import type { Role } from './program.js'

export class Victims {
  readonly #application: Application
  readonly #random: Random
  readonly #away = new Map<string, Promise<void>>()

  constructor(application: Application, random: Random) {
    this.#application = application
    this.#random = random
  }

  /** Whether there is one of the role at the moment that can be spared: somebody has to work, except where a role has only one place. */
  has(role: Role): boolean {
    const places = this.#application.posts.filter((post) => post.role === role).length
    return this.#present(role).length > Math.min(1, places - 1)
  }

  /** SIGKILL, and another one in its place. */
  async kill(role: Role): Promise<void> {
    const post = await this.#any(role)
    const replaced = this.#application.replace(post)
    this.#takeAway(
      post,
      replaced.then(() => undefined),
    )
  }

  /** SIGSTOP, and SIGCONT after a while. */
  async pause(role: Role, pausedMs: number): Promise<void> {
    const post = await this.#any(role)
    const { program } = post
    program.signal('SIGSTOP')
    this.#takeAway(
      post,
      systemClock.sleep(pausedMs).then(() => program.signal('SIGCONT')),
    )
  }

  /** Resolves when every process works again. */
  async back(): Promise<void> {
    await Promise.all(this.#away.values())
  }

  #present(role: Role): readonly Post[] {
    return this.#application.posts.filter((post) => post.role === role && !this.#away.has(post.name))
  }

  async #any(role: Role): Promise<Post> {
    for (;;) {
      const present = this.#present(role)
      const victim = present[Math.floor(this.#random() * present.length)]
      if (victim !== undefined && this.has(role)) return victim
      await Promise.race(this.#awayOf(role))
    }
  }

  #awayOf(role: Role): readonly Promise<void>[] {
    return [...this.#away].flatMap(([name, back]) =>
      this.#application.post(name).role === role ? [back] : [],
    )
  }

  #takeAway({ name }: Post, back: Promise<void>): void {
    this.#away.set(
      name,
      back.finally(() => this.#away.delete(name)),
    )
  }
}
