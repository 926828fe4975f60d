// What a broker delivered, as long as this process has it: what it says, and every delivery of it that is open. A broker that lost
// the connection delivers again what is in hand here already; that is one more delivery of the same message, not one more message.

import type { ChunkDraft } from '../../domain/index.js'
import type { Delivery, PreparedCommand } from '../../ports/index.js'

/** A chunk, or a single command of somebody who knows no chunks. */
export type Content =
  | { readonly kind: 'chunk'; readonly draft: ChunkDraft }
  | { readonly kind: 'command'; readonly command: PreparedCommand }

export class Message {
  readonly content: Content
  /** Messages of the same identity say the same; null = nobody can tell. */
  readonly identity: string | null
  readonly deliveries = new Set<Delivery>()

  constructor(content: Content, identity: string | null) {
    this.content = content
    this.identity = identity
  }

  get type(): string {
    return this.content.kind === 'chunk' ? this.content.draft.type : this.content.command.type
  }

  get priority(): number {
    return this.content.kind === 'chunk' ? this.content.draft.priority : this.content.command.priority
  }

  get commands(): number {
    return this.content.kind === 'chunk' ? this.content.draft.size : 1
  }

  /** Of its payloads, about. */
  get bytes(): number {
    return this.content.kind === 'chunk' ? this.content.draft.body.length : this.content.command.bytes
  }

  /** Not to be executed at once, or in the order of its partition: the store's affair. */
  get isForStore(): boolean {
    if (this.content.kind === 'chunk') {
      const { partition, parked } = this.content.draft
      return partition !== null || parked !== null
    }
    const { partition, runAt } = this.content.command
    return partition !== null || runAt !== null
  }
}
