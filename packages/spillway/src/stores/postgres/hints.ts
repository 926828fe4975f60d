// What a call makes claimable, by queue: gathered while it runs and given to whoever waits once it is committed.

export class Hints {
  readonly commandsByQueue = new Map<string, number>()

  /** `commands` is 0 when how many is not known. */
  add(queue: string, commands: number): void {
    this.commandsByQueue.set(queue, (this.commandsByQueue.get(queue) ?? 0) + commands)
  }

  addAll({ commandsByQueue }: Hints): void {
    for (const [queue, commands] of commandsByQueue) this.add(queue, commands)
  }

  get isEmpty(): boolean {
    return this.commandsByQueue.size === 0
  }
}
