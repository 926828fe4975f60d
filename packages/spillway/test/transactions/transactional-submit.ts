// What a submit in the caller's own transaction promises, for every library and on every engine that can.

import { requireServer } from 'spillway-test-bed'
import { describe, it } from 'vitest'
import type { Engine } from './engine.js'
import { LibraryScene, Scene } from './scene.js'
import { existence } from './themes/existence.js'
import { keys } from './themes/keys.js'
import { many } from './themes/many.js'
import { refusals } from './themes/refusals.js'
import { settlement } from './themes/settlement.js'

export function transactionalSubmit(engine: Engine): void {
  requireServer(describe, engine.server)(`submit in a transaction on ${engine.name}`, () => {
    const scene = new Scene(engine)

    describe.each(Object.entries(engine.libraries))('of %s', (_, open) => {
      const on = new LibraryScene(scene, open)
      existence(on)
      keys(on)
      many(on)
      refusals(on)
    })

    if (!('Prisma' in engine.libraries))
      it.skip('of Prisma (skipped: its client and adapters are not installed)')

    settlement(scene)
  })
}
