import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineCommand, ok, pending } from '../../src/index.js'
import { Receiver } from '../callbacks/receiver.js'
import { ENGINES } from './engines.js'

const TOKEN = 'a-token-nobody-could-guess'
const ANSWERS = 10

for (const engine of ENGINES) {
  engine.describe(`the end of a command on ${engine.name}`, () => {
    it('is told once, however many answers come at once to however many processes (sidekiq#6852)', async () => {
      const place = await engine.place()
      const receiver = await Receiver.open()
      const order = defineCommand({
        name: 'order',
        input: z.string(),
        handle: () => pending({ token: TOKEN, deadline: '1h' }),
        callback: () => receiver.url,
      })
      const config = { commands: [order], callbacks: receiver.callbacks() }
      const processes = [await place.process(config), await place.process(config)]
      const [first] = processes.map(({ spillway }) => spillway)
      const id = (await first?.submit(order, 'a'))?.id ?? ''
      // Whichever of them executes it.
      await expect.poll(async () => (await first?.outcome(id))?.state).toBe('pending')
      const answers = await Promise.allSettled(
        Array.from({ length: ANSWERS }, (_, at) =>
          processes[at % processes.length]?.spillway.complete(TOKEN, ok({ answer: at })),
        ),
      )
      const taken = answers.filter(({ status }) => status === 'fulfilled')
      expect(taken).toHaveLength(1)
      for (const answer of answers)
        if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'token_unknown' })
      for (const { spillway } of processes) await spillway.drain()
      const { accepted, succeeded, pending: waiting } = (await first?.accounting()) ?? {}
      // The order and its one callback.
      expect({ accepted, succeeded, waiting }).toEqual({ accepted: 2, succeeded: 2, waiting: 0 })
      expect(receiver.taken.map(({ event: { data } }) => data.id)).toEqual([id])
      await receiver.close()
    })
  })
}
